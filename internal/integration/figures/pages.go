package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// addPages copies the tables of each report into its page, if there are both.
func (f files) addPages(docs string) error {
	for _, name := range reports {
		page := filepath.Join(docs, name+".md")
		text, err := os.ReadFile(page)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		report, err := measured.Read(filepath.Join(docs, "figures", name+".json"))
		if errors.Is(err, os.ErrNotExist) {
			report = &measured.Report{} // an error, if the page has a place for a table
		} else if err != nil {
			return err
		}
		filled, err := fill(string(text), report)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		f[page] = []byte(filled)
	}
	return nil
}

// A place in a page is between two comments that stand on lines of their own.
var (
	placeStart = regexp.MustCompile(`(?m)^<!-- (machine|table ([a-z0-9-]+)) -->\n`)
	placeEnd   = "<!-- end -->"
)

// fill returns the page with everything that belongs to its places.
func fill(page string, report *measured.Report) (string, error) {
	texts := map[string]string{}
	if report.Machine != "" {
		texts["machine"] = report.Machine + "\n"
	}
	for _, t := range report.Tables {
		texts["table "+t.Name] = t.Markdown()
	}
	var b strings.Builder
	for {
		start := placeStart.FindStringSubmatchIndex(page)
		if start == nil {
			return b.String() + page, nil
		}
		name := page[start[2]:start[3]]
		old, rest, ended := strings.Cut(page[start[1]:], placeEnd)
		if !ended || placeStart.MatchString(old) {
			return "", fmt.Errorf("the place %q has no end: write %s on a line of its own", name, placeEnd)
		}
		text, ok := texts[name]
		if !ok {
			return "", fmt.Errorf("nothing was measured for the place %q", name)
		}
		b.WriteString(page[:start[1]] + "\n" + text + "\n" + placeEnd)
		page = rest
	}
}
