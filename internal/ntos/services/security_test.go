package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// creators has the services that take a descriptor for a new object.
var creators = map[string]func(t *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status){
	"NtCreatePort": func(_ *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		out, st := th.Services().NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(forSD(d))})
		return out.PortHandle, st
	},
	"NtCreateNamedPipeFile": func(t *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		oa := forSD(d)
		oa.ObjectName = `\??\pipe\` + t.Name()
		out, st := th.Services().NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ |
			winnt.READ_CONTROL, ObjectAttributes: nt.Cap(oa), ShareAccess: 3, MaximumInstances: 9})
		return out.FileHandle, st
	},
	"NtCreateUserProcess, process": func(_ *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		in := children()
		in.ProcessObjectAttributes = nt.Cap(forSD(d))
		out, st := th.NtCreateUserProcess(in)
		return out.ProcessHandle, st
	},
	"NtCreateUserProcess, thread": func(_ *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		in := children()
		in.ThreadObjectAttributes = nt.Cap(forSD(d))
		out, st := th.NtCreateUserProcess(in)
		return out.ThreadHandle, st
	},
	"NtCreateToken": func(_ *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		in := plainToken(winnt.TokenPrimary)
		in.ObjectAttributes = nt.Cap(forSD(d))
		out, st := th.Services().NtCreateToken(in)
		return out.TokenHandle, st
	},
	"NtCreateLowBoxToken": func(t *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		out, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: openOwnToken(t, th),
			DesiredAccess: winnt.TOKEN_QUERY | winnt.READ_CONTROL, ObjectAttributes: nt.Cap(forSD(d)),
			PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))})
		return out.TokenHandle, st
	},
	"NtDuplicateToken": func(t *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
		return th.NtDuplicateToken(openOwnToken(t, th), winnt.TOKEN_QUERY|winnt.READ_CONTROL, forSD(d), false,
			winnt.TokenPrimary)
	},
	"NtDuplicateToken, access of the handle": func(t *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle,
		ntstatus.Status) {
		return th.NtDuplicateToken(openOwnToken(t, th), 0, forSD(d), false, winnt.TokenImpersonation)
	},
}

func init() {
	for kind := range namedKinds {
		creators["NtCreate"+kind] = func(_ *testing.T, th *nt.Thread, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
			return createNamed(th, kind, forSD(d))
		}
	}
}

// forSD returns attributes with only a descriptor.
func forSD(d *sd.Descriptor) *nt.ObjectAttributes { return &nt.ObjectAttributes{SecurityDescriptor: d} }

// openOwnToken returns a handle to the token of the thread's process.
func openOwnToken(t *testing.T, th *nt.Thread) winnt.Handle {
	t.Helper()
	return check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
}

// A SACL in the creator's descriptor needs SeSecurityPrivilege, unless it has only labels. A label for a token is
// ignored. A label for another object is applied, and needs SeRelabelPrivilege if it is above the creator's level
// (T-52, S-71, O-39).
func TestCreatorSACLNeedsSeSecurityPrivilege(t *testing.T) {
	const refused = ntstatus.PrivilegeNotHeld
	const own, low = "S:(ML;;NW;;;ME)", "S:(ML;;NW;;;LW)"
	for service, create := range creators {
		tokens := service == "NtCreateToken" || service == "NtCreateLowBoxToken" ||
			len(service) >= 16 && service[:16] == "NtDuplicateToken"
		for _, c := range []struct {
			sacl         string
			want         ntstatus.Status // of another object than a token
			token        ntstatus.Status
			label        string // of another object than a token
			withSecurity ntstatus.Status
		}{
			{sacl: own, label: own},
			{sacl: low, label: low},
			{sacl: low + "(ML;;NR;;;LW)", label: low + "(ML;;NR;;;LW)"},
			{sacl: "S:(ML;;0x8;;;LW)", label: "S:(ML;;SW;;;LW)"}, // 0x8 is not a policy; SW is its text
			{sacl: "S:(ML;;NW;;;HI)", want: refused, withSecurity: refused},
			{sacl: "S:(AU;SA;GA;;;WD)", want: refused, token: refused},
			{sacl: low + "(AU;SA;GA;;;WD)", want: refused, token: refused},
			{sacl: "S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)", want: refused, token: refused},
			{sacl: "S:(ML;;NW;;;HI)(AU;SA;GA;;;WD)", want: refused, token: refused, withSecurity: refused},
			{sacl: "S:", want: refused, token: refused},
		} {
			for _, holds := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s %v", service, c.sacl, holds), func(t *testing.T) {
					w := newWorld(t, kernel.Config{})
					privileges := []winnt.Privilege{winnt.SeCreateTokenPrivilege}
					wanted := c.want
					if tokens {
						wanted = c.token
					}
					if holds {
						privileges = append(privileges, winnt.SeSecurityPrivilege)
						if wanted = c.withSecurity; tokens {
							wanted = ntstatus.Success
						}
					}
					th, k := w.thread(w.process("maker", privileges...))
					h, st := create(t, th, sddl.MustParse("D:(A;;GA;;;WD)"+c.sacl))
					if want(t, service+" with "+c.sacl, st, wanted); st != ntstatus.Success {
						return
					}
					d := check.Result(k.Zw().NtQuerySecurityObject(h, winnt.LABEL_SECURITY_INFORMATION))
					label, _ := sddl.Format(sd.New(sd.Parts{SACL: d.SACL()}), sddl.Options{})
					wantLabel := c.label
					if tokens {
						wantLabel = own // its creator's
					}
					check.That(t, wantLabel == "" || label == wantLabel,
						"%s with SACL %s: label = %s, want %s", service, c.sacl, label, wantLabel)
				})
			}
		}
	}
}

// A new object grants no right that its type does not have (S-65). A restore of its descriptor is recorded like a
// change of each part (U-73).
func TestRestoreIsRecordedAsChangeOfEachPart(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	th, _ := w.thread(w.process("p", winnt.SeSecurityPrivilege, winnt.SeRestorePrivilege))
	h := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY, &nt.ObjectAttributes{
		SecurityDescriptor: sddl.MustParse("D:(A;;0x1fffff;;;WD)")}, nt.NotificationEvent, false))
	d := check.Result(th.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION))
	check.Equal(t, check.Must(sddl.Format(d, sddl.Options{})), "D:(A;;0x1f0003;;;WD)", "S-65: DACL of an event")
	m.Drain()
	check.Success(t, th.NtSetSecurityObject(h, winnt.BACKUP_SECURITY_INFORMATION,
		sddl.MustParse("O:"+svc+"G:BGD:(A;;GR;;;WD)S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)")))
	check.SlicesEqual(t, fieldsOf(m, "ObjectType"), []string{"4670 Event", "4907 Event"}, "records")
}

// The owner in a creator's descriptor must be one that the creator may assign, unless it holds SeRestorePrivilege
// (S-61).
func TestOwnerOfNewObjectMustBeAssignable(t *testing.T) {
	for service, create := range creators {
		for owner, wanted := range map[string]ntstatus.Status{svc: ntstatus.Success, "SY": ntstatus.InvalidOwner} {
			for _, holds := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s %v", service, owner, holds), func(t *testing.T) {
					w := newWorld(t, kernel.Config{})
					privileges := []winnt.Privilege{winnt.SeCreateTokenPrivilege}
					want1 := wanted
					if holds {
						privileges, want1 = append(privileges, winnt.SeRestorePrivilege), ntstatus.Success
					}
					th, k := w.thread(w.process("maker", privileges...))
					h, st := create(t, th, sddl.MustParse("O:"+owner+"D:(A;;GA;;;WD)"))
					if want(t, service+" owned by "+owner, st, want1); st != ntstatus.Success {
						return
					}
					if got := ownerDACL(t, k.Zw(), h); got[:2+len(owner)] != "O:"+owner {
						t.Errorf("%s with owner %s: descriptor = %s, want that owner", service, owner, got)
					}
				})
			}
		}
	}
}

// User mode cannot give an object an owner or a label that its token must not assign. Kernel mode can, when it
// creates the object and when it sets its security (O-38, S-61, S-62).
func TestKernelModeMayAssignAnyOwner(t *testing.T) {
	_, th, k := newProcess(t)
	for text, wanted := range map[string]ntstatus.Status{"O:" + svc + "G:BGD:(A;;GA;;;WD)": ntstatus.Success,
		"O:SYG:SYD:(A;;GA;;;WD)":                                  ntstatus.InvalidOwner,
		"O:" + svc + "G:" + svc + "D:(A;;GA;;;WD)S:(ML;;NW;;;SI)": ntstatus.PrivilegeNotHeld} {
		d := sddl.MustParse(text)
		for by, status := range map[*nt.Thread]ntstatus.Status{th: wanted, k.Zw(): ntstatus.Success} {
			h, st := by.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{SecurityDescriptor: d},
				nt.NotificationEvent, false)
			if want(t, "make an event of "+text, st, status); st == ntstatus.Success {
				if got := ownerDACL(t, by, h); !strings.HasPrefix(text, got[:strings.Index(got, "D:")]) {
					t.Errorf("event created with %s has the descriptor %s, want the same owner and group", text, got)
				}
			}
			h = check.Result(by.NtCreateEvent(winnt.EVENT_ALL_ACCESS|winnt.WRITE_OWNER, &nt.ObjectAttributes{
				SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}, nt.NotificationEvent, false))
			parts := winnt.OWNER_SECURITY_INFORMATION
			if d.SACL() != nil {
				parts = winnt.LABEL_SECURITY_INFORMATION
			}
			want(t, "set "+text, by.NtSetSecurityObject(h, parts, d), status)
		}
	}
}

// A client that the server disconnected can neither read nor change any part of the pipe's descriptor. The server's
// end can do both (I-130, I-134).
func TestDisconnectedClientCannotUseDescriptor(t *testing.T) {
	_, th, k := newProcess(t, winnt.SeCreateGlobalPrivilege, winnt.SeSecurityPrivilege)
	const rights = winnt.READ_CONTROL | winnt.WRITE_DAC | winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY | 3
	d := sddl.MustParse("O:" + svc + "G:BGD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")
	server := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: rights,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\away`, SecurityDescriptor: d})}))
	client := check.Result(th.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\pipe\away`}, 3, 0))
	for i, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.PipeDisconnected} {
		if i == 1 {
			want(t, "disconnect", th.NtFsControlFile(server, winnt.FSCTL_PIPE_DISCONNECT), ntstatus.Success)
		}
		for _, part := range []uint32{winnt.OWNER_SECURITY_INFORMATION, winnt.GROUP_SECURITY_INFORMATION,
			winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION, 0x1f} {
			for _, by := range []*nt.Thread{th, k.Zw()} {
				want(t, "set", by.NtSetSecurityObject(client, part, d), wanted)
				want(t, "query", check.Status(by.NtQuerySecurityObject(client, part)), wanted)
				want(t, "set by the server", by.NtSetSecurityObject(server, part, d), ntstatus.Success)
				want(t, "query by the server", check.Status(by.NtQuerySecurityObject(server, part)), ntstatus.Success)
			}
		}
	}
}

// A concurrent change of security is not lost: each change starts again from the other's result (O-66).
func TestConcurrentSecurityChangesAreBothKept(t *testing.T) {
	var meets func()
	w := newWorld(t, kernel.Config{Faults: func(point string) bool {
		if f := meets; f != nil && point == "se: descriptor" {
			meets = nil
			f()
		}
		return false
	}})
	p := w.process("p")
	a, _ := w.thread(p)
	b, _ := w.thread(p)
	event := check.Result(a.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{
		SecurityDescriptor: sddl.MustParse("O:" + svc + "G:" + svc + "D:(A;;GA;;;WD)")}, nt.NotificationEvent, false))
	meets = func() {
		want(t, "concurrent change of the group", b.NtSetSecurityObject(event, winnt.GROUP_SECURITY_INFORMATION,
			sddl.MustParse("G:WD")), ntstatus.Success)
	}
	want(t, "the list", a.NtSetSecurityObject(event, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:(A;;0x1;;;SY)")), ntstatus.Success)
	got := check.Result(a.NtQuerySecurityObject(event, winnt.GROUP_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION))
	if text, err := sddl.Format(got, sddl.Options{}); err != nil || text != "G:WDD:(A;;CC;;;SY)" {
		t.Errorf("descriptor after both changes = %s, want G:WDD:(A;;CC;;;SY)", text)
	}
}

// A token keeps its label whichever part of its descriptor is set (O-39).
func TestTokenKeepsItsLabel(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeSecurityPrivilege.LUID(),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	own = check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY))
	label := func() string {
		d := check.Result(th.NtQuerySecurityObject(own, winnt.LABEL_SECURITY_INFORMATION))
		text := check.Must(sddl.Format(d, sddl.Options{}))
		return strings.Replace(text, "S:AI", "S:", 1) // ignore whether it was inherited
	}
	before := label()
	for _, info := range []uint32{winnt.SACL_SECURITY_INFORMATION, winnt.LABEL_SECURITY_INFORMATION,
		winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION} {
		for _, text := range []string{"S:", "S:(AU;SA;GA;;;WD)", "S:(ML;;NW;;;LW)", "S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)"} {
			st := th.NtSetSecurityObject(own, info, sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)"+text))
			check.Equal(t, label(), before, "O-39: after setting %s with information %#x: %v, label", text, info, st)
		}
	}
}

// A SACL given that leaves no space for the label of the new object is refused. A token needs the label in any case,
// but drops those given (O-39, S-17).
func TestSACLWithoutSpaceForLabelIsRefused(t *testing.T) {
	fill := func(ace string) *sd.Descriptor { return sddl.MustParse("D:(A;;GA;;;WD)S:" + strings.Repeat(ace, 3276)) }
	labels, audits := fill("(ML;OIIO;NW;;;LW)"), fill("(AU;SA;GA;;;WD)")
	for service, create := range creators {
		isToken, isProcess := strings.Contains(service, "Token"), strings.Contains(service, "Process")
		for _, c := range []struct {
			name    string
			given   *sd.Descriptor
			low     bool
			refused bool
		}{
			{"labels", labels, false, isProcess},
			{"labels of a creator at Low", labels, true, !isToken},
			{"audit entries", audits, false, isProcess || isToken},
			{"audit entries of a creator at Low", audits, true, true},
		} {
			t.Run(service+", "+c.name, func(t *testing.T) {
				v := value(t, svc, winnt.TokenPrimary, 0, winnt.SeCreateTokenPrivilege, winnt.SeSecurityPrivilege)
				if c.low {
					v = check.Result(v.WithIntegrity(1, sid.LowLevel))
				}
				w := newWorld(t, kernel.Config{})
				th, _ := w.thread(w.with("maker", v))
				wanted := ntstatus.Success
				if c.refused {
					wanted = ntstatus.InvalidACL
				}
				_, st := create(t, th, c.given)
				want(t, service+" with "+c.name, st, wanted)
			})
		}
	}
}
