package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// collected keeps the numbers of records.
type collected struct{ ids []uint16 }

// Write implements audit.Sink.
func (c *collected) Write(e audit.Event) error {
	if e.ID != audit.UnsafeElevationID && e.ID != 4689 { // of the kernel-mode call and of the exit before
		c.ids = append(c.ids, e.ID)
	}
	return nil
}

// TestServicesWriteTheirEvents runs the examples with everything recorded: each
// service writes only the records that it is said to write.
func TestServicesWriteTheirEvents(t *testing.T) {
	for _, tab := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		for row := range tab.All {
			for _, id := range row.Info().Events() {
				if _, ok := audit.KindOf(id); !ok && id != audit.UnsafeElevationID {
					t.Errorf("%s: event %d is not in the catalogue", row.Info().Name, id)
				}
			}
		}
	}
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}}
	for s := range audit.Subcategories {
		spec.System[s] = audit.OnBoth
	}
	all, err := audit.NewPolicy(spec)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("../../examples/*.star")
	if err != nil || len(names) < 3 {
		t.Fatalf("%v, %v", names, err)
	}
	seen := map[uint16]bool{}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sink := &collected{}
		r := script.New(script.Config{Policy: all, Audit: sink, Record: func(c script.Recorded) {
			row := nt.NtTable.Find(c.Call)
			if row == nil {
				row = win32.Table.Find(c.Call)
			}
			for _, id := range sink.ids {
				seen[id] = true
				if row != nil && nt.NtTable.Find(c.Call) != nil && !slices.Contains(row.Info().Events(), id) {
					t.Errorf("%s: %s writes event %d, and is not said to", name, c.Call, id)
				}
			}
			sink.ids = nil
		}})
		if err := errors.Join(r.Run(name, source), r.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []uint16{4656, 4658, 4703} {
		if !seen[id] {
			t.Errorf("no event %d came", id)
		}
	}
}
