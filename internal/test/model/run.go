package model

import (
	"fmt"
	"strings"
)

// Length is how many calls a history has.
const Length = 120

// Run makes at least n calls in histories of [Length] and returns the counts of what they reached. Each history has
// its own world, which is first with the next seed. The error describes the first difference, with the seed and the
// shortest history that shows it.
func Run(first World, n int) (Tally, error) {
	all := newTally()
	for w := first; all.Calls() < n; w.Seed++ {
		ops := Draw(w.Seed, Length)
		_, made, err := attempt(w, ops)
		all.sum(made)
		if err != nil {
			return all, Shrink(w, ops, err)
		}
	}
	return all, nil
}

// attempt runs a history; at is the call that failed.
func attempt(w World, ops []Op) (at int, made Tally, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	p := NewPair(w)
	made = p.made
	for i := range ops {
		at = i
		if err := p.Step(&ops[i]); err != nil {
			return i, p.made, err
		}
	}
	return len(ops), p.made, p.Close()
}

// Shrink removes calls from a failing history while it still fails, and returns the failure with the remaining calls
// as a transcript.
func Shrink(w World, ops []Op, err error) error {
	if at, _, e := attempt(w, ops); e != nil {
		ops, err = ops[:min(at+1, len(ops))], e
	}
	for size := max(len(ops)/2, 1); size > 0; size /= 2 {
		for i := 0; i+size <= len(ops); {
			less := append(append([]Op{}, ops[:i]...), ops[i+size:]...)
			if at, _, e := attempt(w, less); e != nil {
				ops, err = less[:min(at+1, len(less))], e
				continue
			}
			i += size
		}
	}
	return fmt.Errorf("seed %d, %s profile:\n%s%w", w.Seed, w.Profile, transcript(w, ops), err)
}

// transcript prints a history: the world, then each call with its status.
func transcript(w World, ops []Op) string {
	var b strings.Builder
	p := NewPair(w)
	var calls strings.Builder
	for i := range ops {
		text := p.Text(&ops[i])
		if text == "" {
			continue
		}
		fmt.Fprintf(&calls, "  %2d. %s\n", i+1, text)
		if step(p, &ops[i]) != nil {
			break
		}
	}
	m := w.machine()
	for i, mp := range m.Processes {
		fmt.Fprintf(&b, "  p%d: %s\n", i, mp.Primary.Value)
	}
	for i, t := range m.Held {
		if strings.Contains(calls.String(), fmt.Sprintf("held %d", i)) {
			fmt.Fprintf(&b, "  held %d: %s\n    guarded by %s\n", i, t.Value, t.Guard)
		}
	}
	b.WriteString(calls.String())
	return b.String()
}

// step runs p.Step and returns its error. It returns a panic of Step as an error.
func step(p *Pair, op *Op) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return p.Step(op)
}
