package services_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// O-164: a listing tells as many entries as there is room for beside the empty one at the end, goes on
// where the last one stopped, and begins anew where that is asked for; one entry is told alone where it is.
func TestListingsOfADirectory(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	dir, st := th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, &nt.ObjectAttributes{
		ObjectName: `\BaseNamedObjects\d`})
	want(t, "make a directory", st, ntstatus.Success)
	list := func(in nt.QueryDirectoryObjectIn) (nt.QueryDirectoryObjectOut, ntstatus.Status) {
		in.DirectoryHandle = dir
		return th.Services().NtQueryDirectoryObject(in)
	}
	_, st = list(nt.QueryDirectoryObjectIn{Length: 1000})
	want(t, "an empty directory", st, ntstatus.NoMoreEntries)
	all := []nt.DirectoryEntry{{Name: "a", TypeName: "Event"}, {Name: "bcdef", TypeName: "Mutant"},
		{Name: "c\U00010000", TypeName: "Event"}, {Name: "z", TypeName: "Mutant"}}
	for _, e := range all {
		object := &nt.ObjectAttributes{RootDirectory: dir, ObjectName: e.Name}
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
					out, st := list(nt.QueryDirectoryObjectIn{Length: length, ReturnSingleEntry: single, RestartScan: restart,
						Context: from})
					if st != status || fmt.Sprint(out) != fmt.Sprint(wanted) {
						t.Fatalf("from %d, room %d, single %v, restart %v: %+v, %v, want %+v, %v", from, length, single, restart,
							out, st, wanted, status)
					}
				}
			}
		}
	}
}

// T-80: the security attributes of a token are told by their names, in whatever case, those that there are of
// them and all where none is named, each with its room.
func TestNamesOfSecurityAttributes(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	set, err := claims.NewSet([]claims.Attribute{{Name: "One", Type: claims.Int64, Ints: []int64{1}},
		{Name: "two", Type: claims.Int64, Ints: []int64{2, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	spec := token.StandardUser(sid.MustParse(svc))
	spec.LocalAttributes = set
	th, _ := w.thread(w.of("p", spec))
	for _, c := range []struct {
		names []string
		want  []string
		need  uint32
	}{
		// 16 bytes of header, and for each 40, 8 for each value and the name in whole eighths.
		{nil, []string{"One", "two"}, 16 + 40 + 8 + 8 + 40 + 16 + 8}, {[]string{"one"}, []string{"One"}, 16 + 40 + 8 + 8},
		{[]string{"TWO"}, []string{"two"}, 16 + 40 + 16 + 8}, {[]string{"two", "none"}, []string{"two"}, 16 + 40 + 16 + 8},
		{[]string{"two", "One", "one"}, []string{"One", "two"}, 16 + 40 + 8 + 8 + 40 + 16 + 8}, {[]string{"none"}, nil, 0},
		{[]string{""}, nil, 0}, {[]string{"On"}, nil, 0},
	} {
		for _, room := range []uint32{0, c.need - 1, c.need, c.need + 1} {
			out, st := th.Services().NtQuerySecurityAttributesToken(nt.QuerySecurityAttributesTokenIn{
				TokenHandle: winnt.NtCurrentEffectiveToken, Attributes: nt.Cap(c.names), Length: room})
			var got []string
			for _, a := range out.Buffer {
				got = append(got, a.Name)
			}
			wanted, names := ntstatus.Success, c.want
			if c.want == nil {
				wanted = ntstatus.NotFound
			} else if room < c.need {
				wanted, names = ntstatus.BufferTooSmall, nil
			}
			if st != wanted || out.ReturnLength != c.need || !slices.Equal(got, names) {
				t.Errorf("%q with room %d: %v, %d bytes, %q, want %v, %d, %q", c.names, room, st, out.ReturnLength, got, wanted,
					c.need, names)
			}
		}
	}
}

// O-61, U-96, U-97: what is told of a process and of a thread wants exactly its length, or at least that where the
// length is not fixed; the need is told in each case.
func TestRoomOfProcessFacts(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("proc"))
	for range 3 {
		_, st := th.NtCreateEvent(1, nil, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
	}
	me, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadNameInformation)
	want(t, "the thread's name", st, ntstatus.Success)
	name := uint32(len(me.(string)))
	type answer struct {
		told uint32
		all  bool
		st   ntstatus.Status
	}
	process := func(class, length uint32) answer {
		out, st := th.Services().NtQueryInformationProcess(nt.QueryInformationProcessIn{
			ProcessHandle: winnt.NtCurrentProcess, ProcessInformationClass: nt.ProcessInfoClass(class),
			ProcessInformationLength: length})
		return answer{out.ReturnLength, out.ProcessInformation != nil, st}
	}
	thread := func(class, length uint32) answer {
		out, st := th.Services().NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
			ThreadInformationClass: nt.ThreadInfoClass(class), ThreadInformationLength: length})
		return answer{out.ReturnLength, out.ThreadInformation != nil, st}
	}
	for _, c := range []struct {
		ask   func(class, length uint32) answer
		class uint32
		need  uint32
		exact bool
	}{
		{process, uint32(nt.ProcessBasicInformation), 48, true}, {process, uint32(nt.ProcessTimes), 32, true},
		{process, uint32(nt.ProcessHandleCount), 4, true}, {process, uint32(nt.ProcessImageFileName), 16 + 2*5, false},
		{process, uint32(nt.ProcessHandleInformation), 16 + 3*40, false},
		{thread, uint32(nt.ThreadBasicInformation), 48, true}, {thread, uint32(nt.ThreadTimes), 32, true},
		{thread, uint32(nt.ThreadNameInformation), 16 + 2*(name+1), false},
	} {
		for length, fine := range map[uint32]bool{0: false, c.need - 1: false, c.need: true, c.need + 1: !c.exact,
			1 << 20: !c.exact} {
			wanted := answer{c.need, fine, ntstatus.InfoLengthMismatch}
			if fine {
				wanted.st = ntstatus.Success
			}
			if got := c.ask(c.class, length); got != wanted {
				t.Errorf("class %d with %d bytes: %+v, want %+v", c.class, length, got, wanted)
			}
		}
	}
}
