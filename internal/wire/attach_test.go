package wire

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestProgramNameIsCut checks that a program's name is cut to MaxProgram bytes and that an empty name stays empty. In
// the binary form a handle alone means no name (W-79).
func TestProgramNameIsCut(t *testing.T) {
	for _, n := range []int{0, 1, MaxProgram - 1, MaxProgram, MaxProgram + 1, 1000} {
		name := strings.Repeat("p", n)
		want := AttachBody{Handle: 12, Program: name[:min(n, 64)]}
		for form, body := range map[form][]byte{inBinary: AppendAttach(nil, 12, name),
			inJSON: []byte(`{"Handle":"12","Program":"` + name + `"}`)} {
			if got, err := (&Server{form: form}).attachOf(body); err != nil || got != want {
				t.Errorf("form %d, name of %d bytes: decoded %+v, %v, want %+v, nil", form, n, got, err, want)
			}
		}
	}
	long := strings.Repeat("p", MaxProgram-1)
	if got, err := (&Server{}).attachOf(AppendAttach(nil, 12, long+"é")); err != nil || got.Program != long {
		t.Errorf("a name with a character across the limit: %q, %v, want the cut before the character", got.Program, err)
	}
	alone := AppendHandle(nil, winnt.Handle(12))
	if got, err := (&Server{}).attachOf(alone); err != nil || got != (AttachBody{Handle: 12}) {
		t.Errorf("decoding a handle alone = %+v, %v, want handle 12 without a name", got, err)
	}
	for _, bad := range [][]byte{alone[:7], append(alone, 0), nil} {
		got, err := (&Server{}).attachOf(bad)
		check.That(t, errors.Is(err, ErrValue), "decoding % x = %+v, %v, want %v", bad, got, err, ErrValue)
	}
}

// TestCutProgramNameKeepsNoFrame checks that a name which was cut does not keep the memory of the whole one. The name
// lives as long as the program's connection, and the rest is not charged (W-79).
func TestCutProgramNameKeepsNoFrame(t *testing.T) {
	const each, programs = 1 << 20, 32
	body := AppendAttach(nil, 12, strings.Repeat("p", each))
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	var names []string
	for range programs {
		names = append(names, check.Must((&Server{}).attachOf(body)).Program)
	}
	if after := inUse(); after > before+each*programs/2 {
		t.Errorf("%d names of %d bytes keep %d bytes", len(names), MaxProgram, after-before)
	}
	runtime.KeepAlive(names)
}
