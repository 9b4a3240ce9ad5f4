package services_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A listing returns as many entries as fit together with the terminating one, continues after the last one, and
// restarts on request. A caller can request a single entry (O-164).
func TestObjectDirectoryListingContinues(t *testing.T) {
	th := newThread(t)
	dir := check.Result(th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, &nt.ObjectAttributes{
		ObjectName: `\BaseNamedObjects\d`}))
	list := func(in nt.QueryDirectoryObjectIn) (nt.QueryDirectoryObjectOut, ntstatus.Status) {
		in.DirectoryHandle = dir
		return th.Services().NtQueryDirectoryObject(in)
	}
	want(t, "an empty directory", check.Status(list(nt.QueryDirectoryObjectIn{Length: 1000})), ntstatus.NoMoreEntries)
	all := []nt.DirectoryEntry{{Name: "a", TypeName: "Event"}, {Name: "bcdef", TypeName: "Mutant"},
		{Name: "c\U00010000", TypeName: "Event"}, {Name: "z", TypeName: "Mutant"}}
	for _, e := range all {
		object := &nt.ObjectAttributes{RootDirectory: dir, ObjectName: e.Name}
		var st ntstatus.Status
		if e.TypeName == "Event" {
			_, st = th.NtCreateEvent(1, object, nt.NotificationEvent, false)
		} else {
			_, st = th.NtCreateMutant(1, object, false)
		}
		want(t, "make "+e.Name, st, ntstatus.Success)
	}
	sizes := []uint32{32 + 4 + 12, 32 + 12 + 14, 32 + 8 + 12, 32 + 4 + 14}
	for from := range uint32(6) {
		for length := range uint32(300) {
			for _, single := range []bool{false, true} {
				for _, restart := range []bool{false, true} {
					wanted, first := nt.QueryDirectoryObjectOut{Context: from, ReturnLength: 32}, from
					if restart {
						first = 0
					}
					status := ntstatus.NoMoreEntries
					if first < uint32(len(all)) {
						left := all[first:]
						if single {
							left = left[:1]
						}
						for i, e := range left {
							if wanted.ReturnLength+sizes[int(first)+i] > length {
								break
							}
							wanted.ReturnLength += sizes[int(first)+i]
							wanted.Buffer = append(wanted.Buffer, e)
						}
						status, wanted.Context = ntstatus.Success, first+uint32(len(wanted.Buffer))
						switch {
						case len(wanted.Buffer) == len(left):
						case single:
							status, wanted.Context, wanted.ReturnLength = ntstatus.BufferTooSmall, from, 32+sizes[first]
						default:
							status = ntstatus.MoreEntries
						}
					}
					out, st := list(nt.QueryDirectoryObjectIn{Length: length, ReturnSingleEntry: single,
						RestartScan: restart, Context: from})
					check.RequireThat(t, st == status && fmt.Sprint(out) == fmt.Sprint(wanted),
						"listing from %d with %d bytes, single %v, restart %v: %+v, %v, want %+v, %v", from, length,
						single, restart, out, st, wanted, status)
				}
			}
		}
	}
}
