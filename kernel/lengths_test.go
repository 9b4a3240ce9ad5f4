package kernel_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// lengthCase is a service that tells its need, with what it is asked.
type lengthCase struct {
	service string
	in      any
	length  string // the field of the input that is the room
	need    string // the field of the output that tells the need
	refusal ntstatus.Status
	exact   bool // more room than is needed is refused, too
}

// T-70, T-74, T-80, O-61, O-64, O-143, U-96, U-97: each service that tells its need
// answers with exactly this room, and with one byte less tells the need, says so by its
// status and answers nothing.
func TestRoomToTheByte(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	handle := func(h winnt.Handle, st ntstatus.Status) winnt.Handle {
		t.Helper()
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return h
	}
	own := handle(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	event := handle(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\x`}, nt.NotificationEvent,
		false))
	link := handle(th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\y`},
		`\x`))
	const length, need = "Length", "ReturnLength"
	cases := []lengthCase{
		{"NtQuerySymbolicLinkObject", nt.QuerySymbolicLinkObjectIn{LinkHandle: link}, "MaximumLength", "ReturnedLength",
			ntstatus.BufferTooSmall, false},
		{"NtQuerySecurityObject", nt.QuerySecurityObjectIn{Handle: event, SecurityInformation: 7}, length, "LengthNeeded",
			ntstatus.BufferTooSmall, false},
		{"NtQuerySecurityAttributesToken", nt.QuerySecurityAttributesTokenIn{TokenHandle: own}, length, need,
			ntstatus.BufferTooSmall, false},
	}
	for class, exact := range map[nt.ObjectInfoClass]bool{nt.ObjectBasicInformation: true, nt.ObjectNameInformation: false,
		nt.ObjectTypeInformation: false, nt.ObjectTypesInformation: false, nt.ObjectHandleFlagInformation: true} {
		cases = append(cases, lengthCase{"NtQueryObject", nt.QueryObjectIn{Handle: event, ObjectInformationClass: class},
			"ObjectInformationLength", need, ntstatus.InfoLengthMismatch, exact})
	}
	for class, exact := range map[nt.ProcessInfoClass]bool{nt.ProcessBasicInformation: true, nt.ProcessTimes: true,
		nt.ProcessHandleCount: true, nt.ProcessImageFileName: false, nt.ProcessHandleInformation: false} {
		cases = append(cases, lengthCase{"NtQueryInformationProcess", nt.QueryInformationProcessIn{
			ProcessHandle: winnt.NtCurrentProcess, ProcessInformationClass: class}, "ProcessInformationLength", need,
			ntstatus.InfoLengthMismatch, exact})
	}
	for class, exact := range map[nt.ThreadInfoClass]bool{nt.ThreadBasicInformation: true, nt.ThreadTimes: true,
		nt.ThreadNameInformation: false} {
		cases = append(cases, lengthCase{"NtQueryInformationThread", nt.QueryInformationThreadIn{
			ThreadHandle: winnt.NtCurrentThread, ThreadInformationClass: class}, "ThreadInformationLength", need,
			ntstatus.InfoLengthMismatch, exact})
	}
	for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
		in := nt.QueryInformationTokenIn{TokenHandle: own, TokenInformationClass: class, TokenInformationLength: ^uint32(0)}
		if _, st := th.CallRow(nt.NtTable.Find("NtQueryInformationToken"), in); st == ntstatus.Success {
			cases = append(cases, lengthCase{"NtQueryInformationToken", in, "TokenInformationLength", need,
				ntstatus.BufferTooSmall, false})
		}
	}
	if len(cases) < 40 {
		t.Errorf("%d cases only", len(cases))
	}
	for _, c := range cases {
		c.ask(t, th)
	}
}

// with returns the input with that much room.
func (c *lengthCase) with(room uint32) any {
	in := reflect.New(reflect.TypeOf(c.in)).Elem()
	in.Set(reflect.ValueOf(c.in))
	in.FieldByName(c.length).SetUint(uint64(room))
	return in.Interface()
}

// ask asks with all room, and with the room that this says is needed and its neighbours.
func (c *lengthCase) ask(t *testing.T, th *nt.Thread) {
	t.Helper()
	row := nt.NtTable.Find(c.service)
	whole, st := th.CallRow(row, c.with(^uint32(0)))
	if st != ntstatus.Success {
		t.Errorf("%s %+v: %v", c.service, c.in, st)
		return
	}
	need := uint32(reflect.ValueOf(whole).FieldByName(c.need).Uint())
	told := reflect.New(reflect.TypeOf(whole)).Elem() // the need, and nothing else
	told.FieldByName(c.need).SetUint(uint64(need))
	for room, fine := range map[uint32]bool{need: true, need - 1: false, 0: false, need + 1: !c.exact} {
		if room == ^uint32(0) {
			continue
		}
		out, st := th.CallRow(row, c.with(room))
		want, status := whole, ntstatus.Success
		if !fine {
			want, status = told.Interface(), c.refusal
		}
		if st != status || !reflect.DeepEqual(out, want) {
			t.Errorf("%s %+v, room for %d of %d bytes: %+v, %v, want %v", c.service, c.in, room, need, out, st, status)
		}
	}
}

// T-3, T-62, T-70, T-101, I-89: a LUID that no privilege has, just beside those that there
// are or far from them, is no privilege of the token to any service.
func TestPrivilegesThatAreNot(t *testing.T) {
	first, last := winnt.LUID(winnt.SeCreateTokenPrivilege), winnt.LUID(winnt.LastPrivilege)
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
	for _, luid := range []winnt.LUID{0, 1, first - 1, last + 1, last + 27, 64, 65, 1 << 32, 1<<32 | last, 1<<63 | last,
		winnt.LUID(1<<32) | winnt.LUID(winnt.SeChangeNotifyPrivilege)} {
		_, th := userThread(t, spec)
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		one := []nt.LUIDAndAttributes{{LUID: luid, Attributes: winnt.SE_PRIVILEGE_ENABLED}}
		before, _ := th.NtQueryInformationToken(own, winnt.TokenPrivileges)
		out, st := th.CallRow(nt.NtTable.Find("NtAdjustPrivilegesToken"), nt.AdjustPrivilegesTokenIn{TokenHandle: own,
			NewState: nt.Cap(one), WantPrevious: true, BufferLength: 1 << 16})
		if st != ntstatus.NotAllAssigned || len(out.(nt.AdjustPrivilegesTokenOut).PreviousState) != 0 {
			t.Errorf("T-70: LUID %#x: %+v, %v", luid, out, st)
		}
		made, st := th.CallRow(nt.NtTable.Find("NtFilterToken"), nt.FilterTokenIn{ExistingTokenHandle: own,
			PrivilegesToDelete: nt.Cap(one)})
		if st != ntstatus.Success {
			t.Errorf("T-62: LUID %#x: %v", luid, st)
			continue
		}
		filtered := made.(nt.FilterTokenOut).NewTokenHandle
		for name, h := range map[string]winnt.Handle{"adjusted": own, "filtered": filtered} {
			if after, st := th.NtQueryInformationToken(h, winnt.TokenPrivileges); st != ntstatus.Success ||
				!reflect.DeepEqual(after, before) {
				t.Errorf("LUID %#x: %s to %+v, %v", luid, name, after, st)
			}
		}
	}
}
