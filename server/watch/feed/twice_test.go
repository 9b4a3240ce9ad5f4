package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// formatSeen returns all fields of a document as text.
func formatSeen(s *watch.Seen) string {
	d := "none"
	if s.Descriptor != nil {
		d = fmt.Sprintf("%x", s.Descriptor.AppendOriginal(nil))
	}
	return fmt.Sprintf("%q folder %t, gone %t, %v, descriptor %s", s.Path, s.Folder, s.Gone, s.Err, d)
}

// TestPrecedenceOfFields checks the precedence of contradictory fields: path before raw, gone before error,
// error before descriptor, so that an unreadable document has no descriptor (N-5).
func TestPrecedenceOfFields(t *testing.T) {
	of := []*sd.Descriptor{sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}
	for bits := range 1 << 7 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		x := seen{Folder: on(0), Gone: on(1), Descriptor: bits >> 2 & 3}
		want := watch.Seen{Path: "/t/raw\xff", Folder: on(0), Gone: on(1)}
		if on(4) {
			x.Error = "it says no"
		}
		if on(5) {
			x.Path, want.Path = "/t/path", "/t/path"
		}
		if x.Raw = []byte("/t/raw\xff"); on(6) && on(5) {
			x.Raw = nil
		}
		switch {
		case x.Gone:
			want.Err = fs.ErrNotExist
		case x.Error != "":
			want.Err = errors.New(x.Error)
		case x.Descriptor > 0 && x.Descriptor < 3:
			want.Descriptor = of[x.Descriptor-1]
		}
		text, err := line(&batch{Seen: []seen{{Path: "/t"}, x}, Descriptors: [][]byte{of[0].AppendOriginal(nil),
			of[1].AppendOriginal(nil)}})
		check.NoError(t, err)
		b, err := decode(bytes.TrimSpace(text), "/t")
		if x.Descriptor == 3 {
			check.That(t, err != nil && len(b.Seen) == 0,
				"N-5: %s: a reference to a missing descriptor: %+v, %v, want an error and no documents", text, b, err)
			continue
		}
		if err != nil || len(b.Seen) != 2 || formatSeen(&b.Seen[1]) != formatSeen(&want) ||
			errors.Is(b.Seen[1].Err, fs.ErrNotExist) != x.Gone {
			t.Errorf("N-5: %s: %+v, %v, want %s", text, b.Seen, err, formatSeen(&want))
		}
	}
}

// TestRandomBatchesArriveUnchanged checks that random batches arrive unchanged, whatever their documents, order and
// descriptors, and that each descriptor is sent once.
func TestRandomBatchesArriveUnchanged(t *testing.T) {
	of := []*sd.Descriptor{nil, nil, sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)"),
		sddl.MustParse("O:BAG:SYD:P"), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)")}
	rng := rand.New(rand.NewPCG(51, 1))
	for range 300 {
		in := watch.Batch{Tree: "/t", Begin: rng.IntN(2) == 0, End: rng.IntN(2) == 0, Unnameable: rng.IntN(3)}
		if rng.IntN(2) == 0 {
			in.Heartbeat = watch.Heartbeat{Time: time.Unix(rng.Int64N(1e9), rng.Int64N(1e9)),
				Up: time.Duration(rng.Int64N(1e18))}
		}
		sent := map[string]bool{}
		for i := range rng.IntN(8) {
			s := watch.Seen{Path: fmt.Sprintf("/t/%d%s", i, []string{"", "\xff", "ä", "/x"}[rng.IntN(4)]),
				Folder: rng.IntN(2) == 0}
			switch rng.IntN(4) {
			case 0:
				s.Gone, s.Err = true, fs.ErrNotExist
			case 1:
				s.Err = fmt.Errorf("error %d", i)
			default:
				if s.Descriptor = of[rng.IntN(len(of))]; s.Descriptor != nil {
					sent[string(s.Descriptor.AppendOriginal(nil))] = true
				}
			}
			in.Seen = append(in.Seen, s)
		}
		text, err := encode(&in)
		check.NoError(t, err)
		check.Equal(t, bytes.IndexByte(text, '\n'), len(text)-1, "end of the line %s", text)
		out, err := decode(bytes.TrimSpace(text), "/t")
		if err != nil || out.Tree != in.Tree || out.Begin != in.Begin || out.End != in.End || len(out.Seen) != len(in.Seen) ||
			!out.Heartbeat.Time.Equal(in.Heartbeat.Time) || out.Heartbeat.Up != in.Heartbeat.Up ||
			out.Unnameable != in.Unnameable {
			t.Fatalf("%s: %+v, %v, want %+v", text, out, err, in)
		}
		for i := range in.Seen {
			if got, want := formatSeen(&out.Seen[i]), formatSeen(&in.Seen[i]); got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		}
		distinct := map[*sd.Descriptor]bool{}
		for i := range out.Seen {
			if d := out.Seen[i].Descriptor; d != nil {
				distinct[d] = true
			}
		}
		check.That(t, len(distinct) == len(sent), "%s: %d descriptors, want %d", text, len(distinct), len(sent))
	}
}
