package daemon

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/winnt"
)

// What is remembered of a program's descriptors is bounded: of further files the number and
// the rights are told, and the same file again takes no more room (F-177).
func TestLentIsBounded(t *testing.T) {
	var l lent
	for i := range mostLent + 3 {
		for range 2 {
			l.add(&kernel.HandedOut{Name: fmt.Sprint(i), Used: winnt.FILE_READ_DATA})
		}
	}
	l.add(&kernel.HandedOut{Name: "0", Used: winnt.FILE_WRITE_DATA})
	got := l.all(7)
	if len(got) != mostLent+1 {
		t.Fatalf("%d entries", len(got))
	}
	for i, e := range got[:mostLent] {
		if e.Process != 7 || e.Name != fmt.Sprint(i) || e.Times != 2 || e.Used != winnt.FILE_READ_DATA || e.Since.IsZero() {
			t.Errorf("%d: %+v", i, e)
		}
	}
	if e := got[mostLent]; e.Name != "" || e.Times != 7 || e.Used != winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA ||
		e.Since.IsZero() || e.Process != 7 {
		t.Errorf("further files: %+v", e)
	}
}
