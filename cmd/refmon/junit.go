package main

import (
	"encoding/xml"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/cli/expect"
	"github.com/refmon/refmon/internal/outfile"
)

// junit is the JUnit XML report of expectations: a suite for each file, a case for each question.
type junit struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// add adds the results of a file to the report, a case for each question, and to its totals.
func (j *junit) add(name string, r *expect.Report) {
	s := junitSuite{Name: inLine(name), Tests: len(r.Cases), Failures: r.Failed, Time: seconds(r.Took)}
	for _, x := range r.Cases {
		c := junitCase{Class: s.Name, Name: printable(questionOf(&x)), File: s.Name, Line: x.Line, Time: seconds(x.Took)}
		if x.Problem != "" {
			message := x.Problem
			if x.By != "" {
				message += ": " + x.By
			}
			c.Failure = &junitFailure{Message: printable(message), Text: printable(x.Why)}
		}
		s.Cases = append(s.Cases, c)
	}
	j.Tests += s.Tests
	j.Failures += s.Failures
	j.Suites = append(j.Suites, s)
}

// questionOf returns the name of a test case in the report: who, on what object, with which rights, after the case's
// own name.
func questionOf(x *expect.Case) string {
	what := fmt.Sprintf("%s on %s, %s", x.Who, x.On, x.Want)
	if x.Name != "" {
		what = x.Name + ": " + what
	}
	return what
}

// seconds returns d in seconds with six decimals, as JUnit files have it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// write writes the report as XML to a file and replaces an old one, which stays after an error. The error names the
// flag.
func (j *junit) write(name string) error {
	text, err := xml.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	if err := outfile.WriteFile(name, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}
