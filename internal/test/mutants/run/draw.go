package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/test/mutants"
)

// tally counts the outcomes of a draw. The lock guards all fields.
type tally struct {
	mu                              sync.Mutex
	asked, survived, drawn, unasked int
	late                            bool
	err                             error
}

// drawNew draws new mutants, runs the tests against -jobs of them at a time, and returns the exit code.
func drawNew() (int, error) {
	r, end, err := newRunner()
	if err != nil {
		return 0, err
	}
	defer end()
	begun := time.Now()
	d, err := mutants.NewDrawer(r, *in, *match, *seed)
	if err != nil {
		return 0, err
	}
	fmt.Printf("seed %d, %d functions\n", *seed, d.Functions())
	var t tally
	var next sync.Mutex // held while the Drawer draws
	var jobsDone sync.WaitGroup
	for range max(1, *jobs) {
		jobsDone.Go(func() {
			for t.more() {
				next.Lock()
				m, err := d.Draw()
				next.Unlock()
				if err != nil {
					t.fail(err)
					return
				}
				t.try(d, m)
			}
		})
	}
	jobsDone.Wait()
	if t.late {
		fmt.Println("stopped before all were asked")
	}
	fmt.Printf("%d of %d mutants asked in %.0f s: %d killed, %d survived\n", t.asked, *draw, time.Since(begun).Seconds(),
		t.asked-t.survived, t.survived)
	if d.Known+t.unasked > 0 {
		fmt.Printf("left out: %d of equivalent.txt, %d whose tests fail without them too\n", d.Known, t.unasked)
	}
	switch {
	case t.err != nil:
		return 0, t.err
	case t.survived > *allow:
		return 1, nil
	}
	return 0, nil
}

// more reports whether to draw another mutant, and counts it.
func (t *tally) more() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.late || t.err != nil || t.drawn == *draw {
		return false
	}
	t.drawn++
	return true
}

// fail ends the draw.
func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, mutants.ErrTime) {
		t.late = true
	} else if t.err == nil {
		t.err = err
	}
}

// try asks the tests about a mutant and prints their answer.
func (t *tally) try(d *mutants.Drawer, m mutants.Drawn) {
	begun := time.Now()
	killer, err := d.Try(m)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case errors.Is(err, mutants.ErrTime):
		t.late = true
		return
	case err != nil:
		t.unasked++
		fmt.Fprintf(os.Stderr, "%s: %v\n", m, err)
		return
	case killer == "":
		t.survived++
		killer = "SURVIVES"
	default:
		killer = "killed by " + killer
	}
	t.asked++
	fmt.Printf("%s\n\t%s (%.0f s)\n", m, killer, time.Since(begun).Seconds())
}
