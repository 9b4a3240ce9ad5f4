package ps_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// TestProcessAfter: a walk sees each process once, in the order of ids, whatever ended
// before it (U-95).
func TestProcessAfter(t *testing.T) {
	w := newWorld(t, nt.Documented)
	s := w.sys
	want := []winnt.Handle{s.SystemProcess().ID()}
	for i := range 200 {
		p := s.NewProcess("p", s.SystemProcess().PrimaryToken(), nil)
		if i%10 == 0 {
			want, w.processes = append(want, p.ID()), append(w.processes, p)
			continue
		}
		p.Exit()
		p.Deref(ob.TagCall)
	}
	var got []winnt.Handle
	for after := winnt.Handle(0); ; {
		p, id := s.ProcessAfter(after)
		if p == nil {
			break
		}
		got, after = append(got, id), id
		p.Deref(ob.TagCall)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
