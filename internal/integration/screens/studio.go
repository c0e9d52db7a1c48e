package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/contentstack/csoauth/internal/integration/chromium"
)

// patience is how long one action in the browser may take.
const patience = time.Minute

var schemes = []string{"light", "dark"}

// A studio takes screenshots. It has two tabs: one shows the page, the other a window around the
// picture of the page.
type studio struct {
	page, window context.Context
	out          string // the folder of the screenshots
	end          func()
}

// openStudio starts a browser that draws text in the same way on each machine with the same
// Chromium.
func openStudio(out string) (*studio, error) {
	temp, err := os.MkdirTemp("", "csoauth-screens-")
	if err != nil {
		return nil, err
	}
	fonts := filepath.Join(temp, "fonts.conf")
	if err := os.WriteFile(fonts, []byte(fontsConf(temp)), 0o600); err != nil {
		os.RemoveAll(temp)
		return nil, err
	}
	ctx, end, err := chromium.Start(
		chromedp.Env("FONTCONFIG_FILE="+fonts, "TZ=UTC", "LANG=C.UTF-8"),
		chromedp.Flag("font-render-hinting", "none"),
		chromedp.Flag("disable-lcd-text", true),
		chromedp.Flag("disable-font-subpixel-positioning", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("allow-file-access-from-files", true),
	)
	if err != nil {
		os.RemoveAll(temp)
		return nil, err
	}
	s := &studio{page: ctx, out: out, end: func() {
		end()
		os.RemoveAll(temp)
	}}
	s.window, _ = chromedp.NewContext(ctx) // ends with the browser
	here, err := filepath.Abs("screens/window.html")
	if err == nil {
		err = chromedp.Do(s.window) // the tab would go with a context that has a deadline
	}
	if err == nil {
		err = s.do(s.window, chromedp.Navigate("file://"+here))
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// fontsConf lets the browser see the package fonts-dejavu-core and no other font.
func fontsConf(cache string) string {
	const dir = "/usr/share/fonts/truetype/dejavu"
	accepted := ""
	for _, name := range []string{"DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold"} {
		accepted += "<glob>" + dir + "/" + name + ".ttf</glob>"
	}
	return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>` + dir + `</dir><cachedir>` + cache + `</cachedir>` +
		`<selectfont><acceptfont>` + accepted + `</acceptfont><rejectfont><glob>*</glob></rejectfont></selectfont></fontconfig>`
}

// do runs actions in a tab.
func (s *studio) do(tab context.Context, actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// evaluate returns the value of JavaScript in a tab.
func evaluate[T any](tab context.Context, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// scale is how many pixels a screenshot has for one CSS pixel.
const scale = 1.5

// A size is that of a screenshot's page in CSS pixels. The page is as high as its content and
// Below, between Least and Most.
type size struct{ Width, Least, Most, Below int64 }

var (
	narrow = size{Width: 720, Least: 320, Most: 1200}
	wide   = size{Width: 1080, Least: 320, Most: 900}
	card   = size{Width: 720, Least: 240, Most: 1200, Below: 48} // a page without a footer
)

// upTo returns the size with another Most.
func (s size) upTo(most int64) size {
	s.Most = most
	return s
}

// A box is where something stands on a page, in CSS pixels.
type box struct{ X, Y, Width, Height float64 }

// shootPage writes the screenshots of the page that the browser shows, with the address in the bar
// of the window.
func (s *studio) shootPage(name, address string, size size) error {
	if err := s.do(s.page, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0)); err != nil { // so that nothing is under it
		return err
	}
	for _, scheme := range schemes {
		if err := s.look(s.page, scheme, size.Width, size.Least); err != nil {
			return err
		}
		content, err := evaluate[float64](s.page, "scrollTo(0, 0), document.activeElement.blur(), document.documentElement.scrollHeight")
		if err != nil {
			return err
		}
		height := max(size.Least, min(size.Most, (int64(content)+size.Below+1)/2*2)) // even, for whole pixels
		if err := s.look(s.page, scheme, size.Width, height); err != nil {
			return err
		}
		png, err := s.capture(s.page, box{0, 0, float64(size.Width), float64(height)})
		if err != nil {
			return err
		}
		show := fmt.Sprintf("showPage(%q, %q, %d)", address, base64.StdEncoding.EncodeToString(png), size.Width)
		if err := s.shootWindow(name, scheme, show); err != nil {
			return err
		}
	}
	return nil
}

// shootTerminal writes the screenshots of a terminal that got these bytes, and of that many rows at
// most.
func (s *studio) shootTerminal(name string, shown []byte, rows int) error {
	for _, scheme := range schemes {
		show := fmt.Sprintf("showTerminal('csoauth', %q, %q, %d)", base64.StdEncoding.EncodeToString(shown), scheme, rows)
		if err := s.shootWindow(name, scheme, show); err != nil {
			return err
		}
	}
	return nil
}

// shootWindow runs JavaScript of window.html, and writes the picture of the window.
func (s *studio) shootWindow(name, scheme, show string) error {
	if err := s.look(s.window, scheme, 1280, 2000); err != nil {
		return err
	}
	at, err := evaluate[box](s.window, show)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	data, err := s.capture(s.window, at)
	if err == nil {
		data, err = withPalette(data)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(s.out, name+"-"+scheme+".png"), data, 0o644)
}

// toFront brings a tab to the front. The browser draws no other one, and clicks may get lost there.
var toFront = chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
	_, err := cdp.Call(ctx, target, page.BringToFront, cdp.Empty{})
	return err
})

// look brings a tab to the front, and sets the colour scheme and the size of its page. Where the
// page has no background the screenshot is transparent.
func (s *studio) look(tab context.Context, scheme string, width, height int64) error {
	return s.do(tab, toFront,
		chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			})
			return err
		}),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetDefaultBackgroundColorOverride, emulation.SetDefaultBackgroundColorOverrideParams{
				Color: &cdp.RGBA{A: 0.001}, // zero would be left out, and then count as 1
			})
			return err
		}),
	)
}

// capture returns a part of the page as PNG.
func (s *studio) capture(tab context.Context, part box) ([]byte, error) {
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	got, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{X: part.X, Y: part.Y, Width: part.Width, Height: part.Height, Scale: 1},
	})
	return got.Data, err
}
