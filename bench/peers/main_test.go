package main

import (
	"errors"
	"runtime"
	"testing"

	"github.com/refmon/refmon/winnt"
)

// Every peer that is there gives the right answer to every question, for the
// member of the deciding group and for another user.
func TestPeersAnswerCorrectly(t *testing.T) {
	for _, o := range openers {
		t.Run(o.name, func(t *testing.T) {
			runtime.LockOSThread()
			p, err := o.open()
			if err != nil {
				t.Skip(err)
			}
			if p.close != nil {
				defer p.close()
			}
			for _, q := range questions {
				a, err := checked(q, p)
				if errors.Is(err, errCannotAsk) {
					continue
				}
				if err != nil {
					t.Error(err)
					continue
				}
				if d, err := a.ask(3); err != nil || d <= 0 {
					t.Errorf("%s: three times take %v, %v, want more than 0, nil", q.name, d, err)
				}
			}
		})
	}
}

// An error ends a measurement at once, and has no time.
func TestErrorEndsMeasurement(t *testing.T) {
	asked, broken := 0, errors.New("broken")
	f := inProcess(func() (winnt.AccessMask, error) {
		if asked++; asked == 3 {
			return 0, broken
		}
		return 1, nil
	})
	if d, err := f.ask(5); d != 0 || !errors.Is(err, broken) || asked != 3 {
		t.Errorf("five questions, of which the third fails: %v, %v after %d, want 0, %v after 3", d, err, asked, broken)
	}
}
