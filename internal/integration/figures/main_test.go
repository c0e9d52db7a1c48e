package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realDocs is the folder of the pages.
const realDocs = "../../../docs"

// newDocs returns a copy of testdata/docs with the diagrams and the style of the real docs, and all
// pictures drawn.
func newDocs(t *testing.T) (docs string) {
	docs = t.TempDir()
	require.NoError(t, os.CopyFS(docs, os.DirFS("testdata/docs")))
	for _, pattern := range []string{"*.dot", "style.css"} {
		names, err := filepath.Glob(filepath.Join(realDocs, "figures", pattern))
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(docs, "figures", filepath.Base(name)), text, 0o600))
		}
	}
	require.NoError(t, run(t.Context(), []string{"-docs", docs}, io.Discard))
	return docs
}

func TestWhatWasDrawnIsUpToDate(t *testing.T) {
	docs := newDocs(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-docs", docs, "-check"}, &out))
	require.NoError(t, run(t.Context(), []string{"-docs", docs}, &out))
	assert.Empty(t, out.String(), "nothing is written again")
}

func TestCheckNamesWhatIsNotUpToDate(t *testing.T) {
	docs := newDocs(t)
	change := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(docs, filepath.FromSlash(name)), []byte(text), 0o600))
	}
	require.NoError(t, os.Remove(filepath.Join(docs, "figures", "lease.svg")))
	change("figures/floors.svg", "old")
	change("figures/gone.svg", "nothing makes this")
	change("benchmarks.md", "<!-- machine -->\nanother\n<!-- end -->\n")

	err := run(t.Context(), []string{"-docs", docs, "-check"}, io.Discard)
	require.Error(t, err)
	for _, name := range []string{"lease.svg", "floors.svg", "benchmarks.md"} {
		assert.ErrorContains(t, err, name+" is not up to date: run make figures")
	}
	assert.ErrorContains(t, err, "gone.svg: nothing makes this picture")
	for _, name := range []string{"scale.md", "replicas.svg"} {
		assert.NotContains(t, err.Error(), name)
	}
	_, err = os.Stat(filepath.Join(docs, "figures", "lease.svg"))
	assert.ErrorIs(t, err, os.ErrNotExist, "a check writes nothing")
}

// TestPicturesAreForEveryReader looks into each file: it can be read as XML, has a title and a
// description, and takes every colour from the style sheet.
func TestPicturesAreForEveryReader(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(newDocs(t), "figures", "*.svg"))
	require.NoError(t, err)
	require.Len(t, names, 8)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		svg, base := string(text), filepath.Base(name)
		for _, part := range []string{`role="img"`, `<title id="title">`, `<desc id="desc">`, "prefers-color-scheme: dark", `class="panel"`} {
			assert.Contains(t, svg, part, base)
		}
		_, body, _ := strings.Cut(svg, "</style>")
		assert.NotRegexp(t, `#[0-9a-fA-F]{3,6}\b|<image|<script|font-family`, body, base)
		assert.Less(t, len(svg), 16<<10, "%s is too large", base)
		assert.Empty(t, undefined(svg), base)
		assert.NoError(t, wellFormed(svg), base)
	}
}

var (
	classAttr  = regexp.MustCompile(`class="([^"]*)"`)
	usedVar    = regexp.MustCompile(`var\((--[a-z0-9]+)\)`)
	structural = map[string]bool{"graph": true, "node": true, "edge": true, "cluster": true, "box": true}
)

// undefined lists the classes and variables that a picture uses and its style sheet does not have.
func undefined(svg string) (names []string) {
	style, body, _ := strings.Cut(svg, "</style>")
	for _, attr := range classAttr.FindAllStringSubmatch(body, -1) {
		for _, class := range strings.Fields(attr[1]) {
			if !structural[class] && !regexp.MustCompile(`\.`+class+`\b`).MatchString(style) {
				names = append(names, class)
			}
		}
	}
	for _, used := range usedVar.FindAllStringSubmatch(svg, -1) {
		if strings.Count(style, used[1]+":") != 2 { // once for light, once for dark
			names = append(names, used[1])
		}
	}
	return names
}

func wellFormed(svg string) error {
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
