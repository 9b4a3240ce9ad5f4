package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// file runs the programs of a file one after the other, because they share the named objects, and writes their lines. A
// program that cannot run has lines that say so. The first failed write ends it.
func (a *asker) file(name string, own json.RawMessage) error {
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	list, err := replay.Programs(name, source)
	if err != nil {
		return err
	}
	var t *token.Token
	if a.tokens == replay.OwnToken {
		if t, err = token.Parse(own); err != nil {
			return err
		}
	}
	for i := range list { // one at a time, because all programs share named objects
		for _, l := range a.program(&list[i], t) {
			if err := a.w.Write(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// program runs one program with the token own and returns a line for each call. A program that cannot continue ends
// with a skipped line. The recorded system and our kernel name handles in the same way, so their lines can be compared.
func (a *asker) program(p *replay.Program, own *token.Token) []replay.Line {
	m := &machine{a: a}
	defer m.close()
	calls, stopped := p.Run(nt.Documented, own, m)
	lines := append([]replay.Line{{Case: p.Case, Program: p.Source, Prelude: p.Prelude, Rules: p.Rules}}, calls...)
	var why *script.UnaskableError
	switch {
	case errors.As(stopped, &why):
		return append(lines, replay.Line{Case: p.Case, Skipped: why.Why})
	case stopped != nil: // such as an index into what a failed call did not give
		return append(lines, replay.Line{Case: p.Case,
			Skipped: fmt.Sprintf("the program cannot go on with these answers: %v", stopped)})
	}
	return lines
}
