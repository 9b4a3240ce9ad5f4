package kernel_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A frameRow is a call that succeeds, and all that is different then: what was there and
// is gone with -, what is new with +, and other lines with their new value, or without it
// where only that they change can be told.
type frameRow struct {
	name string
	do   func(f *frame, th *nt.Thread) ntstatus.Status
	want []string
}

// one is the second result of a call.
func one[T any](_ T, st ntstatus.Status) ntstatus.Status { return st }

// other is a descriptor with all parts, of which a call takes those that it names.
var other = sddl.MustParse("O:SYG:WDD:(A;;GR;;;WD)S:(ML;;NW;;;LW)")

// frameRows are the calls of handles, of other objects and of names.
var frameRows = []frameRow{
	{"close", func(f *frame, th *nt.Thread) ntstatus.Status { return th.NtClose(f.all["second event"]) },
		[]string{"- caller: handle to second event, granted 0x1f0003, attributes 0x0"}},
	{"duplicate out of a process (O-52)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtDuplicateObject(f.all["process"], f.theirs["process: timer"], winnt.NtCurrentProcess, 0, 0,
			winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_SAME_ATTRIBUTES))
	}, []string{"+ caller: handle to timer, granted 0x20000, attributes 0x2"}},
	{"move between two processes (O-52, O-53)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtDuplicateObject(f.all["process"], f.theirs["process: event"], f.all["bystander"], 0,
			winnt.OBJ_PROTECT_CLOSE, winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE))
	}, []string{"- process: handle to event, granted 0x20000, attributes 0x2",
		"+ bystander: handle to event, granted 0x20000, attributes 0x1"}},
	{"close in another process (O-52)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtDuplicateObject(f.all["bystander"], f.theirs["bystander: mutant"], 0, 0, 0,
			winnt.DUPLICATE_CLOSE_SOURCE))
	}, []string{"- bystander: handle to mutant, granted 0x20000, attributes 0x2"}},
	{"duplicate the process itself (O-57)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtDuplicateObject(f.all["bystander"], winnt.NtCurrentProcess, f.all["process"],
			winnt.PROCESS_TERMINATE, winnt.OBJ_INHERIT, 0))
	}, []string{"+ process: handle to bystander, granted 0x1, attributes 0x2"}},
	{"flags of a handle (O-63)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationObject(f.all["second timer"],
			nt.HandleFlagInformation{Inherit: true, ProtectFromClose: true})
	}, []string{"- caller: handle to second timer, granted 0x1f0003, attributes 0x0",
		"+ caller: handle to second timer, granted 0x1f0003, attributes 0x3"}},
	{"a permanent object", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtMakePermanentObject(f.all["link"])
	}, []string{"link: attributes = 0x10"}},
	{"a new event", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtCreateEvent(winnt.EVENT_MODIFY_STATE|winnt.SYNCHRONIZE, &nt.ObjectAttributes{
			RootDirectory: f.all["second directory"], ObjectName: "new", Attributes: winnt.OBJ_INHERIT},
			nt.NotificationEvent, true))
	}, []string{"second directory = [{Name:new TypeName:Event}] STATUS_SUCCESS",
		"+ caller: handle to another of type 8, granted 0x100002, attributes 0x2"}},
	{"a name that is there", func(f *frame, th *nt.Thread) ntstatus.Status {
		_, st := th.NtCreateEvent(winnt.SYNCHRONIZE, &nt.ObjectAttributes{ObjectName: `\named`, Attributes: winnt.OBJ_OPENIF},
			nt.NotificationEvent, false)
		return st &^ ntstatus.ObjectNameExists
	}, []string{"+ caller: handle to named, granted 0x100000, attributes 0x0"}},
	{"through a link", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtOpenEvent(winnt.EVENT_QUERY_STATE, &nt.ObjectAttributes{ObjectName: `\link`}))
	}, []string{"+ caller: handle to named, granted 0x1, attributes 0x0"}},
	{"set an event", func(f *frame, th *nt.Thread) ntstatus.Status { return one(th.NtSetEvent(f.all["second event"])) },
		[]string{"second event = STATUS_SUCCESS"}},
	{"reset an event", func(f *frame, th *nt.Thread) ntstatus.Status { return one(th.NtResetEvent(f.all["named"])) },
		[]string{"named = STATUS_TIMEOUT"}},
	{"clear an event", func(f *frame, th *nt.Thread) ntstatus.Status { return th.NtClearEvent(f.all["event"]) },
		[]string{"event = STATUS_TIMEOUT"}},
	{"give up a mutant", func(f *frame, th *nt.Thread) ntstatus.Status { return one(th.NtReleaseMutant(f.all["mutant"])) },
		[]string{"mutant = {CurrentCount:1 OwnedByCaller:false AbandonedState:false} STATUS_SUCCESS"}},
	{"take of a semaphore", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtWaitForSingleObject(f.all["second Semaphore"], false))
	}, []string{"second Semaphore = {CurrentCount:2 MaximumCount:8} STATUS_SUCCESS"}},
	{"count a semaphore up", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtReleaseSemaphore(f.all["second Semaphore"], 4))
	}, []string{"second Semaphore = {CurrentCount:7 MaximumCount:8} STATUS_SUCCESS"}},
	{"set a timer", func(f *frame, th *nt.Thread) ntstatus.Status {
		return one(th.NtSetTimer(f.all["second timer"], 0, 0))
	}, []string{"second timer = {RemainingTime:0 TimerState:true} STATUS_SUCCESS"}},
	{"descriptor: the owner (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["named"], winnt.OWNER_SECURITY_INFORMATION, other)
	}, []string{"named: descriptor = O:SYG:SYD:(A;;0x1f0003;;;SY)(A;;0x120001;;;BA) STATUS_SUCCESS"}},
	{"descriptor: the group (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["link"], winnt.GROUP_SECURITY_INFORMATION, other)
	}, []string{"link: descriptor = O:BAG:WDD:(A;;CCSDRCWDWO;;;SY)(A;;CCRC;;;BA) STATUS_SUCCESS"}},
	{"descriptor: the DACL (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["second directory"], winnt.DACL_SECURITY_INFORMATION, other)
	}, []string{"second directory: descriptor = O:BAG:SYD:(A;;CCDCRC;;;WD) STATUS_SUCCESS"}},
	{"descriptor: the label (O-65)", func(f *frame, th *nt.Thread) ntstatus.Status {
		return th.NtSetSecurityObject(f.all["named"], winnt.LABEL_SECURITY_INFORMATION, other)
	}, []string{"named: descriptor = O:BAG:SYD:(A;;0x1f0003;;;SY)(A;;0x120001;;;BA)S:(ML;;NW;;;LW) STATUS_SUCCESS"}},
}

// TestWhatASuccessChanges: each call changes what its rules say, of the object and in the
// process that it names, and nothing else that there is to see.
func TestWhatASuccessChanges(t *testing.T) {
	for _, row := range frameRows {
		t.Run(row.name, func(t *testing.T) {
			f := newFrame(t)
			before := f.look()
			if st := row.do(f, f.th); st != ntstatus.Success {
				t.Fatal(st)
			}
			got := changes(before, f.look())
			for i := range max(len(got), len(row.want)) {
				switch {
				case i >= len(got):
					t.Errorf("missing: %s", row.want[i])
				case i >= len(row.want):
					t.Errorf("besides: %s", got[i])
				case got[i] != row.want[i] && !strings.HasPrefix(got[i], row.want[i]+" = "):
					t.Errorf("got  %s\nwant %s", got[i], row.want[i])
				}
			}
		})
	}
}
