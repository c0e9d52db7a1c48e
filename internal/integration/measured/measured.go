// Package measured has the form of the figures that programs measure and pages show: the tables
// and charts of the pages about benchmarks and scale. A program that measures writes a Report as
// JSON into docs/figures. The program in the folder figures draws its charts and copies its tables
// into the pages.
package measured

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// A Report is all that one program measured in one run.
type Report struct {
	Machine string  `json:"machine"` // what it ran on: "2 cores, go1.26.1, linux/amd64"
	Tables  []Table `json:"tables,omitempty"`
	Charts  []Chart `json:"charts,omitempty"`
}

// A Table stands in a page between the lines <!-- table NAME --> and <!-- end -->.
type Table struct {
	Name   string     `json:"name"`
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"` // each as long as Header
}

// A Chart becomes the picture docs/figures/NAME.svg. It has either Lines or Bars.
type Chart struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	X     string `json:"x"` // the label of the horizontal axis, with its unit
	Y     string `json:"y"` // the label of the vertical axis, with its unit; bars have none
	LogX  bool   `json:"log_x,omitempty"`
	LogY  bool   `json:"log_y,omitempty"`
	Lines []Line `json:"lines,omitempty"`
	Bars  *Bars  `json:"bars,omitempty"`
}

// A Line leads through its points in their order.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
	Dashed bool    `json:"dashed,omitempty"` // computed, and not measured
}

// A Point is one measurement.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Bars compare groups in each of several categories. They lie, so that the names of the categories
// can be long: the values are on the horizontal axis.
type Bars struct {
	Categories []string `json:"categories"` // from top to bottom
	Groups     []Group  `json:"groups"`
	// Reference is a value that all bars are compared with, such as a limit. It is a line across
	// all categories. 0: there is none.
	Reference     float64 `json:"reference,omitempty"`
	ReferenceName string  `json:"reference_name,omitempty"`
}

// A Group has one bar in each category.
type Group struct {
	Name   string   `json:"name"`
	Values []Spread `json:"values"` // one for each category
}

// A Spread is what several runs measured. Its zero value is no bar.
type Spread struct {
	Low    float64 `json:"low"` // the first quartile
	Median float64 `json:"median"`
	High   float64 `json:"high"` // the third quartile
}

// Read reads a Report from a JSON file, and checks it. It rejects members that it does not know.
func Read(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r Report
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &r, nil
}

// Write checks the Report and writes it as a JSON file. The same Report always makes the same file.
func (r *Report) Write(file string) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
