package replay

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// Program is a script to replay. The zero value is empty.
type Program struct {
	Case    string
	Prelude string   // definitions that the source starts with
	Source  string   // Starlark, as `refmon run` takes it
	Rules   []string // that it is about
}

// Programs returns the programs in a file, by the extension of its name: a .star file is one program, a .txt file is a
// transcript with one program for each run directive. Another extension and a malformed transcript are errors.
func Programs(name string, file []byte) ([]Program, error) {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	text := strings.ReplaceAll(string(file), "\r\n", "\n")
	switch path.Ext(name) {
	case ".star":
		return []Program{{Case: name, Source: text}}, nil
	case ".txt":
		return transcript(name, text)
	}
	return nil, fmt.Errorf("%s: want a program (.star) or a transcript (.txt)", name)
}

// transcript parses a test file of internal/test/ntostest. A directive is followed by input, a line of dashes, output
// and an empty line. A prelude applies to the programs after it. Any other line is an error. Without the dashes,
// input extends to the end of the file.
func transcript(name, text string) (list []Program, err error) {
	var prelude string
	var comment []string
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		command, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "#"):
			comment = append(comment, line)
			continue
		case line == "":
		case command == "prelude" || command == "run":
			at := i + 1
			var input []string
			for i++; i < len(lines) && lines[i] != "----"; i++ {
				input = append(input, lines[i])
			}
			i = skipOutput(lines, i+1)
			if command == "prelude" {
				prelude = strings.Join(input, "\n")
				break
			}
			p := Program{Case: fmt.Sprintf("%s:%d", name, at), Prelude: prelude, Source: strings.Join(input, "\n")}
			p.Rules = ruleID.FindAllString(strings.Join(comment, "\n"), -1)
			list = append(list, p)
		default:
			return nil, fmt.Errorf("%s:%d: want prelude or run, got %q", name, i+1, line)
		}
		comment = nil
	}
	return list, nil
}

// skipOutput returns the index of the last line of the output that starts at i. An output that starts with a second
// line of dashes ends with two such lines.
func skipOutput(lines []string, i int) int {
	if i < len(lines) && lines[i] == "----" {
		for i++; i+1 < len(lines) && (lines[i] != "----" || lines[i+1] != "----"); i++ {
		}
		return i + 1
	}
	for i < len(lines) && lines[i] != "" {
		i++
	}
	return i
}

// Run runs the program on a new kernel and returns its calls. A nil backend means refmon's kernel. own is the token of
// every process; nil means the tokens of the program. Run ignores the program's expectations. stopped is the reason why
// the program ended early, nil if it did not; calls then has the calls before. It is a [*script.UnaskableError] if the
// backend does not support a call.
func (p *Program) Run(profile nt.Profile, own *token.Token, backend script.Backend) (calls []Line, stopped error) {
	cfg := script.Config{Profile: profile, Token: own, Backend: backend}
	cfg.Record = func(c script.Recorded) {
		l := Line{Case: p.Case, Line: c.Line, Time: c.Time, Thread: c.Thread, Call: c.Call, In: c.In, Status: c.Status,
			Out: c.Out, Rules: p.Rules}
		for _, rule := range []string{c.Rule, c.Step} {
			if rule != "" && !slices.Contains(l.by, rule) {
				l.by = append(l.by, rule)
			}
		}
		l.Rules = append(slices.Clone(l.by), p.Rules...)
		calls = append(calls, l)
	}
	r := script.New(cfg)
	err := r.Load(script.Prelude, []byte(p.Prelude))
	if err == nil {
		err = r.Run(p.Case, []byte(p.Source))
	}
	_ = r.Close() // a program that was stopped leaves handles open
	if errors.Is(err, script.ErrExpectation) {
		err = nil
	}
	return calls, err
}
