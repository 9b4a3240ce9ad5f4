package main

import (
	"errors"
	"runtime"
	"testing"
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
