// Package observed is what "csoauth probe" saw of a service, as a file. It has the questions that
// no public document answers, a [Report] with a [Result] for each, and the report as a page in
// Markdown. The probe writes it, and the emulator reads it to behave in the same way.
package observed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

// Version is that of the files that this package writes and reads.
const Version = 1

// maxFile is the largest file that is read, in bytes. A report has about 60 kB.
const maxFile = 4 << 20

// A Report is what one probe saw. All its texts are safe to publish: see package probe.
type Report struct {
	Version int    `json:"version"`
	Csoauth string `json:"csoauth"` // version of the program that asked
	Date    string `json:"date"`    // such as 2026-11-27
	Region  string `json:"region"`  // such as "eu"
	// Published is whether Contentstack's published hosts were asked. Otherwise it was another
	// server, such as an emulator or a gateway.
	Published bool              `json:"published_hosts"`
	Hosts     map[string]string `json:"hosts,omitempty"`   // base URLs by what the page calls them, if they are the published ones
	Secret    bool              `json:"client_secret"`     // whether the app sent a client secret
	Requests  int               `json:"requests"`          // without what the browser did
	Stopped   string            `json:"stopped,omitempty"` // why the probe ended early; empty: it did not
	Results   []Result          `json:"results"`           // one for each question, in the order of Questions
	Exchanges []Exchange        `json:"exchanges"`
}

// An Outcome is how far a question was answered.
type Outcome string

// The outcomes of a question.
const (
	Observed Outcome = "observed" // the service showed it
	Unclear  Outcome = "unclear"  // it was asked, and what came back does not tell
	NotAsked Outcome = "not asked"
)

// A Result is what became of one question.
type Result struct {
	Question string  `json:"question"` // the Name of a Question
	Outcome  Outcome `json:"outcome"`
	Answer   string  `json:"answer,omitempty"` // set if, and only if, the outcome is Observed
	Note     string  `json:"note,omitempty"`   // details, or why the question is open
	Seen     []int   `json:"seen,omitempty"`   // numbers of the Exchanges that show it
}

// An Exchange is one request and its response, or one visit of the browser and its callback.
type Exchange struct {
	Number   int    `json:"number"`
	After    string `json:"after"` // since the first one, such as "12.5s"
	Purpose  string `json:"purpose"`
	Request  string `json:"request"`
	Response string `json:"response"`
}

// Result returns what became of the question with that name. It is the zero Result if the report
// does not have it.
func (r *Report) Result(question string) Result {
	for _, result := range r.Results {
		if result.Question == question {
			return result
		}
	}
	return Result{}
}

// Answer returns the answer that was observed to the question with that name.
func (r *Report) Answer(question string) (answer string, ok bool) {
	result := r.Result(question)
	return result.Answer, result.Outcome == Observed
}

// JSON returns the report as a file.
func (r *Report) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	_ = e.Encode(r) // it has texts and numbers alone, which always marshal
	return b.Bytes()
}

// Read reads a report. It returns an error that says what is wrong with a file that is no report,
// or is a report of another version.
func Read(from io.Reader) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("observed: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("observed: the file has over %d bytes, so it is no report of csoauth probe", maxFile)
	}
	var head struct {
		Version *int `json:"version"`
	}
	switch err := json.Unmarshal(data, &head); {
	case err != nil:
		return nil, fmt.Errorf("observed: the file is not JSON: want the observed.json of csoauth probe (%w)", err)
	case head.Version == nil:
		return nil, errors.New(`observed: there is no member "version": want the observed.json of csoauth probe`)
	case *head.Version != Version:
		return nil, fmt.Errorf("observed: the report has version %d, and this csoauth reads version %d: use the csoauth that wrote it, or probe again", *head.Version, Version)
	}
	r := &Report{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil {
		return nil, fmt.Errorf("observed: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("observed: %w", err)
	}
	return r, nil
}

// check returns what is wrong with a report that was read.
func (r *Report) check() error {
	if _, err := time.Parse(time.DateOnly, r.Date); err != nil {
		return fmt.Errorf("date %.40q: want one such as 2026-11-27", r.Date)
	}
	seen := map[string]bool{}
	for i, result := range r.Results {
		q, known := Find(result.Question)
		switch {
		case !known:
			return fmt.Errorf("result %d: there is no question %.60q", i+1, result.Question)
		case seen[q.Name]:
			return fmt.Errorf("question %q has two results", q.Name)
		case result.Outcome != Observed && result.Outcome != Unclear && result.Outcome != NotAsked:
			return fmt.Errorf("question %q: outcome %.40q: want %q, %q or %q", q.Name, result.Outcome, Observed, Unclear, NotAsked)
		case (result.Outcome == Observed) != (result.Answer != ""):
			return fmt.Errorf("question %q has an answer and was not observed, or the other way round", q.Name)
		}
		if err := q.check(result.Answer); err != nil {
			return err
		}
		seen[q.Name] = true
	}
	return nil
}

// word is the form that the answer to a question has.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_., -]{0,199}$`)

func (q *Question) check(answer string) error {
	switch {
	case answer == "":
		return nil
	case !word.MatchString(answer):
		return fmt.Errorf("question %q has the answer %.40q, which is not valid: want letters, digits and _ . , -", q.Name, answer)
	}
	if q.Kind == Duration {
		if d, err := time.ParseDuration(answer); err != nil || d < 0 {
			return fmt.Errorf("question %q has the answer %.40q: want a duration such as 1h0m0s", q.Name, answer)
		}
	}
	return nil
}
