package acltree

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzReadJournal: no bytes cause a panic, and entries of an accepted journal have both descriptors.
func FuzzReadJournal(f *testing.F) {
	f.Add([]byte(`{"refmon":"acl journal 1","header":{"root":"/r","keeper":"mount","command":"c"}}` + "\n"))
	f.Add([]byte(`{"path":"a","raw":7,"before":-1,"after":99}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := ReadJournal(bytes.NewReader(b))
		if err != nil {
			j = &Journal{file: bytes.NewReader(b)} // Each must also cope with a damaged journal
		}
		_ = j.Each(func(e *Entry) error { // an error about malformed bytes is expected
			check.That(t, e.Before != nil && e.After != nil,
				"entry %q has no descriptor, want the one before and after", e.Path)
			return nil
		})
	})
}
