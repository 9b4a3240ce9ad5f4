package main

import (
	"errors"
	"time"

	"github.com/refmon/refmon/winnt"
)

// asker answers one prepared question.
type asker interface {
	// answer returns the rights granted, 0 if access is denied.
	answer() (winnt.AccessMask, error)
	// ask runs the question n times and returns the processor time.
	ask(n int) (time.Duration, error)
}

// peer is an engine. Its fields are immutable after open.
type peer struct {
	name    string
	version string
	lacks   string // features that it cannot express, for the table
	prepare func(*input) (asker, error)
	close   func() // nil: nothing to close
}

// errCannotAsk is why a peer has no figure for a question.
var errCannotAsk = errors.New("cannot be asked")

// inProcess is an asker made of a function that asks once.
type inProcess func() (winnt.AccessMask, error)

func (f inProcess) answer() (winnt.AccessMask, error) { return f() }

// ask calls f n times and returns the CPU time that the calls took. It stops at the first error.
func (f inProcess) ask(n int) (time.Duration, error) {
	t0 := clock()
	for range n {
		if _, err := f(); err != nil {
			return 0, err
		}
	}
	return clock() - t0, nil
}

// each answers MAXIMUM_ALLOWED for an engine that has no such question, by
// asking for every right.
func each(holds func(right winnt.AccessMask) (bool, error)) inProcess {
	all := rights()
	return func() (granted winnt.AccessMask, err error) {
		for _, r := range all {
			yes, err := holds(r)
			if err != nil {
				return 0, err
			}
			if yes {
				granted |= r
			}
		}
		return granted, nil
	}
}

// byRight makes an asker of a function that answers for one right: for an input
// that asks for all it is called for each.
func byRight(in *input, holds func(right winnt.AccessMask) (bool, error)) (asker, error) {
	switch in.kind {
	case maximum:
		return each(holds), nil
	case onceUsed:
		return nil, errCannotAsk
	}
	return inProcess(func() (winnt.AccessMask, error) {
		yes, err := holds(winnt.FILE_READ_DATA)
		if !yes || err != nil {
			return 0, err
		}
		return winnt.FILE_READ_DATA, nil
	}), nil
}
