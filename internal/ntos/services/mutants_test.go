package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A mutant whose owner ended is free and abandoned, whether the thread or its process ended (O-136). No other thread
// can release it (O-134).
func TestMutantIsAbandonedWhenOwnerEnds(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	watcher, _ := w.thread(w.process("watcher"))
	for name, end := range map[string]func(*kernel.Process, *nt.Thread){
		"thread":  func(_ *kernel.Process, th *nt.Thread) { th.Close() },
		"process": func(p *kernel.Process, _ *nt.Thread) { p.Exit() },
	} {
		owner := w.process("owner of " + name)
		if name == "thread" {
			watcher, _ = w.thread(owner) // not the owner either
		}
		th, _ := w.thread(owner)
		oa := &nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\` + name}
		check.Success(t, check.Status(th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, oa, true)))
		h := check.Result(watcher.NtOpenMutant(winnt.MUTANT_QUERY_STATE, oa))
		if got, st := watcher.NtQueryMutant(h); st != ntstatus.Success || got != (nt.MutantInformation{}) {
			t.Errorf("%s: mutant before its owner ends = %+v, %s, want owned by another thread", name, got, st)
		}
		end(owner, th)
		want := nt.MutantInformation{CurrentCount: 1, AbandonedState: true}
		if got, st := watcher.NtQueryMutant(h); st != ntstatus.Success || got != want {
			t.Errorf("O-136: %s: mutant after its owner ended = %+v, %s, want %+v", name, got, st, want)
		}
		check.Equal(t, check.Status(watcher.NtReleaseMutant(h)), ntstatus.MutantNotOwned,
			"O-134: %s: releasing the abandoned mutant", name)
	}
	h := check.Result(watcher.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, nil, false))
	check.Equal(t, check.Status(watcher.NtReleaseMutant(h)), ntstatus.MutantNotOwned, "O-134: releasing a free mutant")
	h = check.Result(watcher.NtCreateMutant(winnt.SYNCHRONIZE, nil, true))
	check.Success(t, check.Status(watcher.NtReleaseMutant(h))) // the owner needs no right
}

func TestNtCreateMutant(t *testing.T) { testCreate(t, "Mutant") }
func TestNtOpenMutant(t *testing.T)   { testOpen(t, "Mutant") }
