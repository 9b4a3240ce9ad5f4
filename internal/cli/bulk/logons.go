package bulk

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/logon"
)

// logons returns the runs that repeat one question with the principals' tokens after other kinds of logon. They are
// compiled once, at the first descriptor whose answer can depend on the kind. A nil logons adds no notes about it.
type logons func() ([]*Run, error)

// newLogons returns a function that compiles the runs of r for other kinds of logon once. It returns nil if
// Run.Logons is nil. An error of one kind fails all. The function runs at most once; later calls return the same.
func newLogons(r *Run) logons {
	if r.Logons == nil {
		return nil
	}
	return sync.OnceValues(func() ([]*Run, error) {
		var runs []*Run
		for _, kind := range logon.Kinds {
			d, err := r.Logons(kind)
			if err != nil {
				return nil, fmt.Errorf("--logon %v: %w", kind, err)
			}
			if d == nil { // kind is the run's own kind of logon
				continue
			}
			other := *r
			other.Directory, other.tokens, other.namer = d, nil, nil
			other.compile()
			other.kind = kind
			runs = append(runs, &other)
		}
		return runs, nil
	})
}

// alternatives compares a run's answers with those after other kinds of logon, such as over the network. It belongs
// to one goroutine.
type alternatives struct {
	run      *Run
	own      *decider // of run; its results are valid until the next call
	deciders []*decider
}

// remark returns a text about the kinds of logon whose answer for a place differs, "" if none does. It decides at most
// once for each kind, and only if the answer can differ (B-26). A failing decision is an error.
func (a *alternatives) remark(x place) (string, error) {
	if a.run.logons == nil || !a.canDiffer(x) {
		return "", nil
	}
	if a.own == nil {
		if err := a.open(); err != nil {
			return "", err
		}
	}
	var all []string
	for _, d := range a.deciders {
		text, err := a.differs(d, x)
		if err != nil {
			return "", err
		}
		if text != "" {
			all = append(all, fmt.Sprintf("--logon %v: %s", d.run.kind, text))
		}
	}
	return strings.Join(all, ", "), nil
}

// canDiffer reports whether the answer for a place can differ between kinds of logon: by its descriptor, by that of the
// share, or by that of a folder on the way.
func (a *alternatives) canDiffer(x place) bool {
	dir := a.run.Directory
	return dir.DependsOnKind(x.d) || dir.DependsOnKind(a.run.Share) ||
		slices.ContainsFunc(x.way.Folders(), dir.DependsOnKind)
}

// open creates the deciders of all kinds of logon, and that of the run itself. Call it once, before they are used.
// After an error the deciders are incomplete.
func (a *alternatives) open() error {
	runs, err := a.run.logons()
	if err != nil {
		return err
	}
	for _, r := range runs {
		d, err := newDecider(r)
		if err != nil {
			return err
		}
		a.deciders = append(a.deciders, d)
	}
	a.own, err = newDecider(a.run)
	return err
}

// differs returns how the answer of d differs from the run's answer, as text. For what-can, the text names the rights
// of d. For other questions it counts the principals that gain and lose. Equal answers and an error give "".
func (a *alternatives) differs(d *decider, x place) (string, error) {
	if a.run.Ask == What {
		has, _, err := a.own.maximum(x)
		if err != nil {
			return "", err
		}
		other, _, err := d.maximum(x)
		if err != nil || other == has {
			return "", err
		}
		return "granted " + other.Padded(), nil
	}
	has, _, err := a.own.sets(x)
	if err != nil {
		return "", err
	}
	others, _, err := d.sets(x)
	if err != nil {
		return "", err
	}
	var more, fewer int
	for i := range has {
		for k := range has[i] {
			more += bits.OnesCount64(others[i][k] &^ has[i][k])
			fewer += bits.OnesCount64(has[i][k] &^ others[i][k])
		}
	}
	switch {
	case more+fewer == 0:
		return "", nil
	case fewer == 0:
		return fmt.Sprintf("%d more", more), nil
	case more == 0:
		return fmt.Sprintf("%d fewer", fewer), nil
	}
	return fmt.Sprintf("%d more and %d fewer", more, fewer), nil
}
