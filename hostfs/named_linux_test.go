package hostfs

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A named file of the kernel and a file of a tree with the same descriptor are opened alike:
// the same status and the same rights, for drawn descriptors, users, rights and privileges.
// The tree's directory gives nothing, so that its file stands alone (adr 36).
func TestNamedFilesDecideAlike(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 36))
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;BA)")
	people := []sid.SID{sid.MustParse(alice), sid.MustParse(bob), sid.MustParse(staff)}
	threads := []*nt.Thread{w.as(alice), w.as(bob), w.as(alice, winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege)}
	counts, after := map[ntstatus.Status]int{}, map[ntstatus.Status]int{}
	var left []*sd.Descriptor
	some := func(rnd *rand.Rand, people []sid.SID) *sd.Descriptor {
		world := draw(rnd, people)
		return world.descriptors[world.files[rnd.IntN(len(world.files))]]
	}
	n := randtest.Count(t, "REFMON_OPENS", 400)
	for i := range n {
		if len(left) == 0 {
			some := draw(rnd, people)
			for _, file := range some.files {
				left = append(left, some.descriptors[file])
			}
		}
		name, d := fmt.Sprint("f", i), left[0]
		left = left[1:]
		text, err := sddl.Format(d, sddl.Options{})
		w.must(err)
		w.file(name, "", text)
		w.must(w.sys.CreateFile(name, d))
		th := threads[rnd.IntN(len(threads))]
		mask := question{}.mask(rnd)
		in := call{desired: mask, disposition: fileaccess.FileOpen}.at(name)
		tree, _, got := th.NtCreateFile(in)
		named, want := th.NtOpenFile(mask, &nt.ObjectAttributes{ObjectName: name}, shareAll, 0)
		counts[want]++
		if got != want || granted(th, tree) != granted(th, named) {
			t.Errorf("%v of %s: the file of the tree gives %v, %v, the named file %v, %v", mask, text, got,
				granted(th, tree), want, granted(th, named))
		}
		if got == ntstatus.Success {
			w.operatesAlike(th, tree, named, some(rnd, people), after)
		}
		w.want(closeAny(th, tree), ntstatus.Success)
		w.want(closeAny(th, named), ntstatus.Success)
	}
	if counts[ntstatus.Success] < n/20 || counts[ntstatus.AccessDenied] < n/20 {
		t.Errorf("%v: too few of one", counts)
	}
	if after[ntstatus.Success] < n || after[ntstatus.AccessDenied] < n {
		t.Errorf("%v of what is done to handles: too few of one", after)
	}
}

// mask draws rights to ask for.
func (question) mask(rnd *rand.Rand) winnt.AccessMask {
	words := []winnt.AccessMask{winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE, winnt.GENERIC_ALL,
		winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.DELETE, winnt.READ_CONTROL,
		winnt.WRITE_DAC, winnt.WRITE_OWNER, winnt.FILE_EXECUTE, winnt.SYNCHRONIZE, winnt.ACCESS_SYSTEM_SECURITY, 0, 1 << 21}
	m := words[rnd.IntN(len(words))]
	if rnd.IntN(2) == 0 {
		m |= words[rnd.IntN(len(words))]
	}
	return m
}

// granted returns what a handle grants; 0 without one.
func granted(th *nt.Thread, h winnt.Handle) winnt.AccessMask {
	if v, st := th.NtQueryInformationFile(h, nt.FileAccessInformation); st == ntstatus.Success {
		return v.(nt.AccessInformation).AccessFlags
	}
	return 0
}
