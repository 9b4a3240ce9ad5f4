package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
)

// sevenObjects returns the summary of a run over seven objects after changes.
func sevenObjects(changes func(*bulk.Summary)) bulk.Summary {
	s := bulk.Summary{Position: bulk.Position{Objects: 7}}
	changes(&s)
	return s
}

// The output has the number of omitted objects by reason, and unanswered objects give a failure.
func TestOmittedObjectsAreCountedByReason(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name    string
		sum     bulk.Summary
		err     error
		want    error
		message string // after "refmon: "; "" for nothing
	}{
		{"all well", sevenObjects(func(*bulk.Summary) {}), nil, nil, ""},
		{"nothing there", bulk.Summary{}, nil, nil, "there are no objects"},
		{"a changed file", sevenObjects(func(s *bulk.Summary) { s.Stale, s.FirstStale = 2, "/srv/\x1bx" }), nil, nil,
			"of 2 of 7 objects the POSIX permissions were changed without the server (hash mismatch): they decide " +
				"instead of the attribute, as on the server; the first: /srv/\ufffdx"},
		{"no list", sevenObjects(func(s *bulk.Summary) { s.NoDACL = 3 }), nil, nil,
			"3 of 7 descriptors have no D: part: no DACL limits access to their objects"},
		{"one type", sevenObjects(func(s *bulk.Summary) { s.Typed, s.TypedEntries = 1, 1 }), nil, nil,
			"1 entry of 1 object is about one object type only, such as an attribute, and does not count for the whole " +
				"object: ask with --object-type, or for AddMember, WP:member and the like"},
		{"types", sevenObjects(func(s *bulk.Summary) { s.Typed, s.TypedEntries = 2, 5 }), nil, nil,
			"5 entries of 2 objects are about one object type only, such as an attribute, and do not count for the whole " +
				"object: ask with --object-type, or for AddMember, WP:member and the like"},
		{"no account", sevenObjects(func(s *bulk.Summary) { s.Unmapped, s.FirstUnmapped = 4, "S-1-22-1-7" }), nil, nil,
			"4 objects name accounts of the server that are not in the directory file, such as S-1-22-1-7: add uid " +
				"to its users and gid to its groups"},
		{"hashes", sevenObjects(func(s *bulk.Summary) { s.Unverified = 6 }), nil, nil,
			"6 of 7 objects have a hash that only their server can verify: their attributes were used without that check"},
		{"unreadable", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 2, errors.New("/a\x1b: cut") }), nil,
			errReported, "2 of 7 objects could not be read: look for \"error\" in the output; the first: /a\ufffd: cut"},
		{"stopped", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 1, broken }),
			fmt.Errorf("in a worker: %w", context.Canceled), errReported,
			"interrupted: the output has the first 7 objects and not the rest"},
		{"failed", sevenObjects(func(s *bulk.Summary) { s.Unreadable, s.FirstError = 1, errReported }), broken, broken, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs bytes.Buffer
			err := conclude(&streams{err: &errs}, c.sum, c.err)
			checkConclusion(t, err, c.want, errs.String(), c.message)
		})
	}
}

// checkConclusion checks the error and the printed message of a command that has read all objects.
func checkConclusion(t *testing.T, err, want error, said, message string) {
	t.Helper()
	check.ErrorIs(t, err, want, "the command's error")
	if message != "" {
		message = "refmon: " + message + "\n"
	}
	check.Equal(t, said, message, "the message")
}
