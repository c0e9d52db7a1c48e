package archtest_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screensDir has the screenshots, which "make docs" takes.
const screensDir = "docs/figures/screens"

var (
	pictureTag = regexp.MustCompile(`(?s)<picture>.*?</picture>`)
	darkSource = regexp.MustCompile(`<source media="\(prefers-color-scheme: dark\)" srcset="([^"]*)-dark\.png">`)
	lightImage = regexp.MustCompile(`<img src="([^"]*)-light\.png" width="\d+"\s+alt="[^"]+">`)
	screenshot = regexp.MustCompile(`[\w./-]*/screens/[\w.-]+`)
)

// TestScreenshotsAreShown: each page shows a screenshot in light and in dark, and each screenshot
// is on a page. That the files exist is checked with the links.
func TestScreenshotsAreShown(t *testing.T) {
	shown := map[string]bool{}
	for _, name := range filesOf(t, ".md") {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		files, problems := screenshotsOn(name, string(text))
		assert.Empty(t, problems)
		for _, file := range files {
			shown[file] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(root, screensDir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := path.Join(screensDir, filepath.Base(file))
		assert.True(t, shown[name], "%s is on no page: show it, or remove it and what takes it", name)
	}
}

// screenshotsOn returns the screenshots that a page shows, and what is wrong with how it does that.
func screenshotsOn(name, text string) (files, problems []string) {
	for _, picture := range pictureTag.FindAllString(text, -1) {
		dark, light := darkSource.FindStringSubmatch(picture), lightImage.FindStringSubmatch(picture)
		if dark == nil || light == nil || dark[1] != light[1] {
			problems = append(problems, fmt.Sprintf("%s: %s: want NAME-dark.png as the source for dark, and NAME-light.png with width and alt", name, strings.Join(strings.Fields(picture), " ")))
			continue
		}
		for _, scheme := range []string{"-dark.png", "-light.png"} {
			files = append(files, path.Join(path.Dir(name), dark[1]+scheme))
		}
	}
	for _, file := range screenshot.FindAllString(pictureTag.ReplaceAllString(text, ""), -1) {
		if !slices.Contains(files, path.Join(path.Dir(name), file)) && path.Ext(file) == ".png" {
			problems = append(problems, fmt.Sprintf("%s: %s is not in a <picture>", name, file))
		}
	}
	return files, problems
}

func TestProblemsOfScreenshotsAreFound(t *testing.T) {
	const (
		good = `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="figures/screens/a-dark.png">
  <img src="figures/screens/a-light.png" width="640" alt="A page">
</picture>`
		found = "docs/a.md: "
	)
	for name, test := range map[string]struct{ old, new, found string }{
		"good":            {"", "", ""},
		"no alt":          {`"A page"`, `""`, found},
		"no width":        {` width="640"`, "", found},
		"light only":      {"a-dark", "a-light", found},
		"two screenshots": {"a-dark", "b-dark", found},
		"no picture":      {"picture>", "p>", found},
	} {
		t.Run(name, func(t *testing.T) {
			files, problems := screenshotsOn("docs/a.md", strings.ReplaceAll(good, test.old, test.new))
			if test.found == "" {
				assert.Equal(t, []string{"docs/figures/screens/a-dark.png", "docs/figures/screens/a-light.png"}, files)
				assert.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[0], test.found)
		})
	}
}
