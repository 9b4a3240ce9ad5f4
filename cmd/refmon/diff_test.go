package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// These are the tests of bulk_test.go for a comparison of two states.
func TestOmittedObjectsOfComparisonAreCounted(t *testing.T) {
	broken := errors.New("broken")
	changed := func(o *bulk.Outcome) { o.Changed, o.Changes = 3, 9 }
	for _, c := range []struct {
		name    string
		changes func(*bulk.Outcome)
		err     error
		want    error
		message string
	}{
		{"alike", func(*bulk.Outcome) {}, nil, nil, ""},
		{"changed", changed, nil, errDenied, "3 of 7 objects changed for at least one user"},
		{"unreadable, too", func(o *bulk.Outcome) { changed(o); o.Unreadable, o.FirstError = 2, broken }, nil, errReported,
			"2 objects could not be read and were not compared; the first: broken"},
		{"stopped early", func(o *bulk.Outcome) { *o = bulk.Outcome{} }, context.Canceled, errNothingCompared,
			""}, // unlike errReported, it leaves an earlier file of --out as it was
		{"stopped between", func(o *bulk.Outcome) { *o = bulk.Outcome{Compared: true} }, context.Canceled, errReported,
			"interrupted: the output is complete for the first 0 objects of the second state; the other objects are " +
				"missing"},
		{"stopped late", changed, context.Canceled, errReported, "interrupted: the output is complete for the first 7 " +
			"objects of the second state; the other objects are missing"},
		{"failed", changed, broken, broken, ""},
		{"remarks", func(o *bulk.Outcome) { o.NoDACL = 1 }, nil, nil,
			"1 of 7 descriptors have no D: part: no DACL limits access to their objects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs bytes.Buffer
			out := bulk.Outcome{Summary: sevenObjects(func(*bulk.Summary) {}), Compared: true}
			c.changes(&out)
			err := concludeDiff(&streams{err: &errs}, &out, c.err)
			checkConclusion(t, err, c.want, errs.String(), c.message)
		})
	}
}
