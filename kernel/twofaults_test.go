package kernel_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An inputFault changes the input or the world so that one documented condition of a service fails.
type inputFault struct {
	nt.Condition
	at    int    // the condition's index in its row
	place string // the changed input; two faults of one input are not combined
	do    func(in reflect.Value)
	undo  func()
}

// A faultKind builds the fault for a documented condition.
type faultKind struct {
	services string // a pattern for the names of services; "" matches all
	status   ntstatus.Status
	when     string // a pattern for the condition's text; its group is a field name
	make     func(f *faultMaker, field string) *inputFault
}

// A faultMaker builds the faults of one case.
type faultMaker struct {
	w     *rightsWorld
	c     *rightCase
	needs map[string]*rightCase // the cases of the service, by their fields

	memory bool // the fault of failing allocations was built
}

// put returns a fault that sets a field, or the value of a captured field, to v. A nil v means the zero value.
func put(field string, v any) *inputFault {
	return &inputFault{place: field, do: func(in reflect.Value) {
		f := in.FieldByName(field)
		if c := f.FieldByName; f.Kind() == reflect.Struct && c("V").IsValid() {
			f = c("V")
		}
		if v == nil {
			f.SetZero()
		} else {
			f.Set(reflect.ValueOf(v).Convert(f.Type()))
		}
	}}
}

// unread returns a fault that makes the capture of a field fail with st.
func unread(field string, st ntstatus.Status) *inputFault {
	return &inputFault{place: field, do: func(in reflect.Value) {
		f := in.FieldByName(field)
		if f.Kind() == reflect.Struct {
			f = f.FieldByName("Status")
		}
		f.Set(reflect.ValueOf(st))
	}}
}

// masked returns a fault that adds bits to an access mask. It can be combined with other masks of the field.
func masked(field string, mask winnt.AccessMask) *inputFault {
	return &inputFault{place: fmt.Sprintf("%s %#x", field, uint32(mask)), do: func(in reflect.Value) {
		f := in.FieldByName(field)
		if !f.IsValid() {
			f = in.FieldByName("Process" + field)
		}
		f.SetUint(f.Uint() | uint64(mask))
	}}
}

// attributes returns a fault that changes the object attributes.
func attributes(place string, change func(*nt.ObjectAttributes)) *inputFault {
	return &inputFault{place: "ObjectAttributes " + place, do: func(in reflect.Value) {
		f := in.FieldByName("ObjectAttributes")
		if !f.IsValid() {
			f = in.FieldByName("ProcessObjectAttributes")
		}
		of := f.Addr().Interface().(*nt.Captured[*nt.ObjectAttributes])
		oa := nt.ObjectAttributes{}
		if of.V != nil {
			oa = *of.V
		}
		change(&oa)
		of.V = &oa
	}}
}

// first returns the first field name that the input has, or "" if it has none.
func (f *faultMaker) first(fields ...string) string {
	typ := nt.NtTable.Find(f.c.service).InType()
	for _, name := range fields {
		if _, ok := typ.FieldByName(name); ok {
			return name
		}
	}
	return ""
}

// without returns a fault that disables a privilege of the caller. Its undo enables the privilege again.
func (f *faultMaker) without(name string) *inputFault {
	set := func(on uint32) {
		for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
			if p.String() == name {
				f.w.th.NtAdjustPrivilegesToken(f.w.all["token"], false, []nt.LUIDAndAttributes{{LUID: p.LUID(), Attributes: on}},
					false)
			}
		}
	}
	return &inputFault{place: name, do: func(reflect.Value) { set(0) }, undo: func() { set(winnt.SE_PRIVILEGE_ENABLED) }}
}

// act makes the thread impersonate a token of the world, or revert to self for "".
func (f *faultMaker) act(client string) {
	if st := f.w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken,
		f.w.all[client]); st != ntstatus.Success {
		f.w.Fatalf("impersonate %q: %v, want success", client, st)
	}
}

const anyWhen = ".*"

// objectTypes matches the types in conditions such as "JobHandle is not a job".
const objectTypes = `token|thread|process|directory|file|port|job|mutant|semaphore|timer|symbolic link|event`

// name returns a function that makes a fault of the object's name.
func name(path string) func(*faultMaker, string) *inputFault {
	return func(*faultMaker, string) *inputFault {
		return attributes("name", func(oa *nt.ObjectAttributes) { oa.ObjectName = path })
	}
}

// pointers names the field for a service's first condition, unless that is the first field read.
var pointers = map[string]string{"NtAccessCheck": "GenericMapping", "NtAccessCheckByType": "GenericMapping",
	"NtAccessCheckByTypeResultList": "GenericMapping", "NtCreateToken": "User"}

// whys are the rules of pointers, handles and the access check. A trace may name them where the row names another
// rule.
var whys = map[string]bool{"O-3": true, "O-31": true, "A-30": true, "A-40": true, "A-50": true}

// The first kind that matches a condition is used.
var faultKinds = []faultKind{
	{"", ntstatus.InvalidHandle, `^RootDirectory`, func(*faultMaker, string) *inputFault {
		return attributes("root", func(oa *nt.ObjectAttributes) { oa.RootDirectory, oa.ObjectName = 0xDEAD0, "x" })
	}},
	{"", ntstatus.ObjectTypeMismatch, `^RootDirectory`, func(f *faultMaker, _ string) *inputFault {
		return attributes("root", func(oa *nt.ObjectAttributes) {
			oa.RootDirectory, oa.ObjectName = f.w.all["mutant"], "x"
		})
	}},
	{"", ntstatus.ObjectPathSyntaxBad, anyWhen, func(f *faultMaker, _ string) *inputFault {
		return attributes("root", func(oa *nt.ObjectAttributes) { oa.RootDirectory = f.w.all["directory"] })
	}},
	{"", ntstatus.ObjectNameInvalid, anyWhen, name(`\\x`)},
	{"", ntstatus.ObjectPathNotFound, `^a directory on the path`, name(`\BaseNamedObjects\nowhere\x`)},
	{"Open", ntstatus.ObjectNameNotFound, anyWhen, name(`\nothing`)},
	{"CreateEvent", ntstatus.ObjectNameCollision, anyWhen, name(`\named`)},
	{"(Open|Create)(Mutant|Semaphore|Timer|Job)", ntstatus.ObjectTypeMismatch, `^the name`, name(`\named`)},
	{"Create", ntstatus.PrivilegeNotHeld, `^OBJ_PERMANENT`, func(f *faultMaker, _ string) *inputFault {
		one := f.without("SeCreatePermanentPrivilege")
		b := attributes("permanent", func(oa *nt.ObjectAttributes) { oa.Attributes |= winnt.OBJ_PERMANENT })
		return &inputFault{place: b.place, undo: one.undo, do: func(in reflect.Value) { one.do(in); b.do(in) }}
	}},
	{"Create", ntstatus.InvalidOwner, `^the descriptor names`, func(f *faultMaker, _ string) *inputFault {
		one := f.without("SeRestorePrivilege")
		b := attributes("descriptor", func(oa *nt.ObjectAttributes) {
			oa.SecurityDescriptor = sddl.MustParse("O:S-1-5-21-9-9-9-9G:SYD:(A;;GA;;;WD)")
		})
		return &inputFault{place: b.place, undo: one.undo, do: func(in reflect.Value) { one.do(in); b.do(in) }}
	}},
	{"DuplicateToken|LowBox", ntstatus.BadImpersonationLevel, `^a primary token is requested|^the existing token`,
		func(f *faultMaker, _ string) *inputFault { return put("ExistingTokenHandle", f.w.all["identified"]) }},
	{"", ntstatus.AccessDenied, `^a directory on the path`, func(f *faultMaker, _ string) *inputFault {
		// The caller's client would have the privilege, so this fault is not combined with one of the client.
		one, b := f.without("SeChangeNotifyPrivilege"), name(`\closed\x`)(f, "")
		return &inputFault{place: "client", undo: one.undo, do: func(in reflect.Value) { one.do(in); b.do(in) }}
	}},
	{"", ntstatus.AccessDenied, `^DesiredAccess is 0`,
		func(*faultMaker, string) *inputFault { return put("DesiredAccess", 0) }},
	{"Open(Process|Thread)$", ntstatus.InvalidParameterMix, anyWhen,
		func(*faultMaker, string) *inputFault { return put("ClientID", nil) }},
	{"Open(Process|Thread)$", ntstatus.InvalidCid, anyWhen, func(*faultMaker, string) *inputFault {
		return put("ClientID", &nt.ClientID{UniqueProcess: 0x7FF0, UniqueThread: 0x7FF4})
	}},
	{"CreateToken", ntstatus.BadTokenType, anyWhen, func(*faultMaker, string) *inputFault { return put("TokenType", 3) }},
	{"CreateToken", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("Groups", ntstatus.InvalidSID) }},
	{"CreateToken", ntstatus.InvalidACL, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("DefaultDACL", ntstatus.InvalidACL) }},
	{"CreateToken", ntstatus.BadImpersonationLevel, anyWhen,
		func(*faultMaker, string) *inputFault { return put("TokenType", winnt.TokenImpersonation) }},
	{"CreateToken", ntstatus.NoSuchLogonSession, anyWhen,
		func(*faultMaker, string) *inputFault { return put("AuthenticationID", winnt.LUID(0xBAD)) }},
	{"CreateToken", ntstatus.NoSuchPrivilege, anyWhen, func(*faultMaker, string) *inputFault {
		return put("Privileges", []nt.LUIDAndAttributes{{LUID: 99}})
	}},
	{"CreateToken", ntstatus.InvalidParameter, `attributes of a group`, func(*faultMaker, string) *inputFault {
		return put("Groups", []token.Group{{SID: sid.Users, Attributes: winnt.SE_GROUP_INTEGRITY}})
	}},
	{"CreateToken", ntstatus.InvalidOwner, anyWhen,
		func(*faultMaker, string) *inputFault { return put("Owner", sid.Guests) }},
	{"CreateToken", ntstatus.InvalidPrimaryGroup, anyWhen,
		func(*faultMaker, string) *inputFault { return put("PrimaryGroup", sid.Guests) }},
	{"Adjust", ntstatus.InvalidParameter, `^NewState is NULL`,
		func(*faultMaker, string) *inputFault { return put("NewState", nil) }},
	{"SetSecurity", ntstatus.UnknownRevision, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("SecurityDescriptor", ntstatus.UnknownRevision) }},
	{"SetTimer", ntstatus.InvalidParameter6, anyWhen, func(*faultMaker, string) *inputFault { return put("Period", -1) }},
	{"ReleaseSemaphore", ntstatus.InvalidParameter, anyWhen,
		func(*faultMaker, string) *inputFault { return put("ReleaseCount", 0) }},
	{"CreateSemaphore", ntstatus.InvalidParameter, `[cC]ount`,
		func(*faultMaker, string) *inputFault { return put("MaximumCount", 0) }},
	{"CreateTimer", ntstatus.InvalidParameter, `^TimerType`,
		func(*faultMaker, string) *inputFault { return put("TimerType", 2) }},
	{"CreateEvent", ntstatus.InvalidParameter, `^EventType`,
		func(*faultMaker, string) *inputFault { return put("EventType", 2) }},
	{"CreateSymbolic", ntstatus.InvalidParameter, `^LinkTarget`,
		func(*faultMaker, string) *inputFault { return put("LinkTarget", "") }},
	{"CreateSymbolic", ntstatus.AccessViolation, `^LinkTarget`,
		func(*faultMaker, string) *inputFault { return unread("LinkTarget", ntstatus.AccessViolation) }},
	{"CreateUserProcess", ntstatus.InvalidParameter, `^a flag`,
		func(*faultMaker, string) *inputFault { return put("ProcessFlags", uint32(1)<<31) }},
	{"", ntstatus.InvalidHandle, `^(\w+) is not a valid handle`, func(f *faultMaker, field string) *inputFault {
		if f.first(field) == "" {
			return nil
		}
		return put(field, winnt.Handle(0xDEAD0))
	}},
	{"", ntstatus.ObjectTypeMismatch, `^(\w+) is not an? (?:` + objectTypes + `)\b`, func(f *faultMaker,
		field string) *inputFault {
		if f.first(field) == "" {
			return nil
		}
		if strings.HasPrefix(field, "Mutant") {
			return put(field, f.w.all["semaphore"])
		}
		return put(field, f.w.all["mutant"])
	}},
	{"", ntstatus.AccessDenied, `^(\w+) does not grant `, func(f *faultMaker, field string) *inputFault {
		c := f.needs[field]
		if c == nil {
			return nil
		}
		return put(field, f.w.limited(c.object, func(all winnt.AccessMask) winnt.AccessMask {
			for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
				if c.need&bit != 0 {
					all &^= bit | implying[bit]
				}
			}
			return all
		}))
	}},
	{"", ntstatus.AccessDenied, `^reserved bits in DesiredAccess`,
		func(*faultMaker, string) *inputFault { return masked("DesiredAccess", 1<<26) }},
	{"Token", ntstatus.AccessDenied, `^DesiredAccess has bits that`,
		func(*faultMaker, string) *inputFault { return masked("DesiredAccess", 1<<12) }},
	{"Event|Mutant|Semaphore|Timer|Directory|Symbolic|Job", ntstatus.AccessDenied, `^DesiredAccess has bits that`,
		func(*faultMaker, string) *inputFault { return masked("DesiredAccess", 1<<12) }},
	{"", ntstatus.PrivilegeNotHeld, `^ACCESS_SYSTEM_SECURITY`, func(f *faultMaker, _ string) *inputFault {
		one, b := f.without("SeSecurityPrivilege"), masked("DesiredAccess", winnt.ACCESS_SYSTEM_SECURITY)
		return &inputFault{place: b.place, undo: one.undo, do: func(in reflect.Value) { one.do(in); b.do(in) }}
	}},
	{"", ntstatus.PrivilegeNotHeld, `SeAuditPrivilege`,
		func(f *faultMaker, _ string) *inputFault { return f.without("SeAuditPrivilege") }},
	{"NtCreateToken", ntstatus.PrivilegeNotHeld, `SeCreateTokenPrivilege`,
		func(f *faultMaker, _ string) *inputFault { return f.without("SeCreateTokenPrivilege") }},
	{"NtMakePermanent", ntstatus.PrivilegeNotHeld, `SeCreatePermanentPrivilege`,
		func(f *faultMaker, _ string) *inputFault { return f.without("SeCreatePermanentPrivilege") }},
	{"ByHandle", ntstatus.NoImpersonationToken, anyWhen,
		func(f *faultMaker, _ string) *inputFault { return put("ClientToken", f.w.all["primary"]) }},
	{"AndAuditAlarm$", ntstatus.NoImpersonationToken, anyWhen, func(f *faultMaker, _ string) *inputFault {
		return &inputFault{place: "client", do: func(reflect.Value) { f.act("") }, undo: func() { f.act("client") }}
	}},
	{"AndAuditAlarm$", ntstatus.BadImpersonationLevel, anyWhen, func(f *faultMaker, _ string) *inputFault {
		return &inputFault{place: "client", do: func(reflect.Value) { f.act("anonymous") }, undo: func() { f.act("client") }}
	}},
	{"AccessCheck", ntstatus.NoImpersonationToken, anyWhen,
		func(f *faultMaker, _ string) *inputFault { return put("ClientToken", f.w.all["primary"]) }},
	{"AccessCheck|AuditAlarm|PrivilegeCheck", ntstatus.BadImpersonationLevel, anyWhen,
		func(f *faultMaker, _ string) *inputFault { return put("ClientToken", f.w.all["anonymous"]) }},
	{"", ntstatus.BadImpersonationLevel, `^the caller impersonates below SecurityImpersonation`,
		func(f *faultMaker, _ string) *inputFault {
			return &inputFault{place: "client", do: func(reflect.Value) { f.act("identified") }, undo: func() { f.act("") }}
		}},
	{"AccessCheck", ntstatus.GenericNotMapped, anyWhen,
		func(*faultMaker, string) *inputFault { return masked("DesiredAccess", winnt.GENERIC_READ) }},
	{"AndAuditAlarm", ntstatus.AccessViolation, `GenericMapping`,
		func(*faultMaker, string) *inputFault { return unread("GenericMapping", ntstatus.AccessViolation) }},
	{"AuditAlarm", ntstatus.AccessViolation, `name`,
		func(*faultMaker, string) *inputFault { return unread("SubsystemName", ntstatus.AccessViolation) }},
	{"AuditAlarm", ntstatus.InvalidSecurityDescr, anyWhen, func(*faultMaker, string) *inputFault {
		return unread("SecurityDescriptor", ntstatus.InvalidSecurityDescr)
	}},
	{"AccessCheck", ntstatus.UnknownRevision, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("SecurityDescriptor", ntstatus.UnknownRevision) }},
	{"AccessCheck", ntstatus.InvalidSecurityDescr, anyWhen,
		func(*faultMaker, string) *inputFault { return put("SecurityDescriptor", nil) }},
	{"AccessCheck", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("PrincipalSelfSid", ntstatus.InvalidSID) }},
	{"AccessCheck", ntstatus.InvalidParameter, `type list is malformed`, func(*faultMaker, string) *inputFault {
		return put("ObjectTypeList", []access.ObjectTypeEntry{{Level: 1}})
	}},
	{"AccessCheck", ntstatus.InvalidParameter, `type list is empty`,
		func(*faultMaker, string) *inputFault { return put("ObjectTypeList", nil) }},
	{"AccessCheck", ntstatus.InvalidParameter, `AuditType`,
		func(*faultMaker, string) *inputFault { return put("AuditType", 2) }},
	{"AuditAlarm", ntstatus.InvalidParameter, `more than 60 privileges`, func(*faultMaker, string) *inputFault {
		return put("Privileges", &nt.PrivilegeSet{Privilege: make([]nt.LUIDAndAttributes, 61)})
	}},
	{"", ntstatus.InvalidInfoClass, `^any other information class$|^the class is|other than|cannot be set`,
		func(f *faultMaker, _ string) *inputFault {
			typ := nt.NtTable.Find(f.c.service).InType()
			for i := range typ.NumField() {
				if name := typ.Field(i).Name; strings.HasSuffix(name, "Class") {
					return put(name, 0x7FF)
				}
			}
			return nil
		}},
	{"", ntstatus.InfoLengthMismatch, `^the length (is (not|below)|differs)`, func(f *faultMaker, _ string) *inputFault {
		typ := nt.NtTable.Find(f.c.service).InType()
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; strings.HasSuffix(name, "Length") {
				return put(name, 1)
			}
		}
		return nil
	}},
	{"Filter", ntstatus.InvalidParameter, `^Flags`, func(*faultMaker, string) *inputFault { return put("Flags", 0x10) }},
	{"Filter", ntstatus.InvalidParameter, `restricting SID`, func(*faultMaker, string) *inputFault {
		return put("RestrictedSIDs", []token.Group{{SID: sid.Users, Attributes: 1}})
	}},
	{"Filter", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("SIDsToDisable", ntstatus.InvalidSID) }},
	{"AdjustGroups", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("NewState", ntstatus.InvalidSID) }},
	{"AdjustTokenClaims", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("NewDeviceGroupsState", ntstatus.InvalidSID) }},
	{"LowBox", ntstatus.InvalidSID, anyWhen,
		func(*faultMaker, string) *inputFault { return unread("Capabilities", ntstatus.InvalidSID) }},
	{"LowBox", ntstatus.InvalidParameter, `PackageSid is not`,
		func(*faultMaker, string) *inputFault { return put("PackageSID", sid.Users) }},
	{"DuplicateToken", ntstatus.InvalidParameter, `^TokenType`,
		func(*faultMaker, string) *inputFault { return put("TokenType", 3) }},
	{"Token", ntstatus.InvalidParameter, `level above SecurityDelegation`, func(*faultMaker, string) *inputFault {
		return attributes("level", func(oa *nt.ObjectAttributes) {
			oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
		})
	}},
	{"", ntstatus.InvalidParameter, `^OBJECT_ATTRIBUTES has|^ObjectAttributes has`, func(*faultMaker,
		string) *inputFault {
		return attributes("bits", func(oa *nt.ObjectAttributes) { oa.Attributes |= 1 << 20 })
	}},
	{"", ntstatus.InvalidParameter, `^OBJ_EXCLUSIVE together`, func(f *faultMaker, _ string) *inputFault {
		if field := f.first("HandleAttributes"); field != "" {
			return put(field, winnt.OBJ_EXCLUSIVE|winnt.OBJ_INHERIT)
		}
		return attributes("exclusive", func(oa *nt.ObjectAttributes) {
			oa.Attributes |= winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT
		})
	}},
	{"GetNext", ntstatus.InvalidParameter, `^Flags`, func(*faultMaker, string) *inputFault { return put("Flags", 2) }},
	{"", ntstatus.InsufficientResources, `^not enough memory`, func(f *faultMaker, _ string) *inputFault {
		if f.memory { // only one memory fault per case
			return nil
		}
		f.memory = true
		return &inputFault{place: "memory", do: func(reflect.Value) {}}
	}},
	{"", ntstatus.AccessViolation, `not readable|not writable|NULL`, func(f *faultMaker, _ string) *inputFault {
		if field := pointers[f.c.service]; field != "" {
			return unread(field, ntstatus.AccessViolation)
		}
		typ := nt.NtTable.Find(f.c.service).InType()
		for i := range typ.NumField() {
			name, is := typ.Field(i).Name, typ.Field(i).Type
			captured := is.Kind() == reflect.Struct && strings.HasPrefix(is.Name(), "Captured")
			if captured || strings.HasPrefix(name, "Fault") {
				return unread(name, ntstatus.AccessViolation)
			}
		}
		return nil
	}},
}

// faults returns the faults for the conditions of the service's row, in the row's order.
func (f *faultMaker) faults() (all []*inputFault) {
	for i, c := range nt.NtTable.Find(f.c.service).Info().Conditions {
		for _, k := range faultKinds {
			if k.status != c.Status || !regexp.MustCompile(k.services).MatchString(f.c.service) {
				continue
			}
			m := regexp.MustCompile(k.when).FindStringSubmatch(c.When)
			if m == nil {
				continue
			}
			field := ""
			if len(m) > 1 {
				field = m[1]
			}
			if one := k.make(f, field); one != nil {
				one.Condition, one.at = c, i
				all = append(all, one)
				break
			}
		}
	}
	return all
}

// call makes the call with the faults, undoes them, and returns the status and the rule in the trace.
func (f *faultMaker) call(faults ...*inputFault) (ntstatus.Status, string) {
	in := reflect.New(nt.NtTable.Find(f.c.service).InType()).Elem()
	in.Set(reflect.ValueOf(f.c.in))
	if f.c.field != "" {
		in.FieldByName(f.c.field).Set(reflect.ValueOf(f.w.all[f.c.object]))
	}
	for _, one := range faults {
		one.do(in)
	}
	f.w.full = slices.ContainsFunc(faults, func(one *inputFault) bool { return one.place == "memory" })
	_, st := f.w.th.CallRow(nt.NtTable.Find(f.c.service), in.Interface())
	f.w.full = false
	why := f.w.th.Services().TakeWhy().Rule
	for _, one := range faults {
		if one.undo != nil {
			one.undo()
		}
	}
	return st, why
}

// attributesOf returns attributes that name an object in the root directory.
func attributesOf(name string) nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{ObjectName: `\` + name})
}

// calls returns more calls: those without a documented right, one per service or per handle that it takes.
func (w *rightsWorld) calls() (all []rightCase) {
	self := nt.Cap(&nt.ObjectAttributes{})
	who := nt.Cap(&nt.ClientID{UniqueProcess: w.id.UniqueProcess})
	thread := nt.Cap(&w.id)
	anew := nt.Cap(&nt.ObjectAttributes{ObjectName: `\new`})
	there := nt.Cap(&nt.ObjectAttributes{ObjectName: `\named`})
	audited := nt.AccessCheckAndAuditAlarmIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)")),
		DesiredAccess: 1, GenericMapping: nt.Cap(winnt.FileObject.Mapping)}
	byType := nt.AccessCheckByTypeAndAuditAlarmIn{SecurityDescriptor: audited.SecurityDescriptor, DesiredAccess: 1,
		GenericMapping: audited.GenericMapping, ObjectTypeList: nt.Cap([]access.ObjectTypeEntry{{}})}
	for service, in := range map[string]any{
		"NtOpenProcess":    nt.OpenProcessIn{DesiredAccess: 1, ObjectAttributes: self, ClientID: who},
		"NtOpenThread":     nt.OpenThreadIn{DesiredAccess: 1, ObjectAttributes: self, ClientID: thread},
		"NtCreateEvent":    nt.CreateEventIn{DesiredAccess: 1, ObjectAttributes: anew},
		"NtCreateMutant":   nt.CreateMutantIn{DesiredAccess: 1, ObjectAttributes: anew},
		"NtCreateTimer":    nt.CreateTimerIn{DesiredAccess: 1, ObjectAttributes: anew},
		"NtOpenEvent":      nt.OpenEventIn{DesiredAccess: 1, ObjectAttributes: there},
		"NtOpenMutant":     nt.OpenMutantIn{DesiredAccess: 1, ObjectAttributes: attributesOf("mutant")},
		"NtOpenSemaphore":  nt.OpenSemaphoreIn{DesiredAccess: 1, ObjectAttributes: attributesOf("semaphore")},
		"NtOpenTimer":      nt.OpenTimerIn{DesiredAccess: 1, ObjectAttributes: attributesOf("timer")},
		"NtOpenJobObject":  nt.OpenJobObjectIn{DesiredAccess: 1, ObjectAttributes: attributesOf("jobobject")},
		"NtGetNextProcess": nt.GetNextProcessIn{DesiredAccess: 1},
		"NtCreateSemaphore": nt.CreateSemaphoreIn{DesiredAccess: 1, ObjectAttributes: anew, InitialCount: 1,
			MaximumCount: 2},
		"NtCreateJobObject":       nt.CreateJobObjectIn{DesiredAccess: 1, ObjectAttributes: anew},
		"NtCreateDirectoryObject": nt.CreateDirectoryObjectIn{DesiredAccess: 1, ObjectAttributes: anew},
		"NtCreateSymbolicLinkObject": nt.CreateSymbolicLinkObjectIn{DesiredAccess: 1, ObjectAttributes: anew,
			LinkTarget: nt.Cap(`\named`)},
		"NtAccessCheckAndAuditAlarm": audited, "NtAccessCheckByTypeAndAuditAlarm": byType,
		"NtAccessCheckByTypeResultListAndAuditAlarm": byType,
		"NtCloseObjectAuditAlarm":                    nt.CloseObjectAuditAlarmIn{GenerateOnClose: true},
		"NtDeleteObjectAuditAlarm":                   nt.CloseObjectAuditAlarmIn{GenerateOnClose: true},
		"NtCreateToken": nt.CreateTokenIn{DesiredAccess: 8, TokenType: winnt.TokenPrimary,
			AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.LocalSystem}),
			PrimaryGroup: nt.Cap(sid.LocalSystem), Source: nt.Cap(&token.Source{Name: "x"}),
			Groups: nt.Cap([]token.Group{}), Privileges: nt.Cap([]nt.LUIDAndAttributes{})},
	} {
		all = append(all, rightCase{service: service, in: in})
	}
	for service, field := range map[string]string{"NtMakePermanentObject": "Handle", "NtQueryObject": "Handle",
		"NtSetInformationObject": "Handle"} {
		in := reflect.New(nt.NtTable.Find(service).InType()).Elem()
		if f := in.FieldByName("ObjectInformationLength"); f.IsValid() {
			f.SetUint(2)
			in.FieldByName("ObjectInformationClass").SetUint(uint64(nt.ObjectHandleFlagInformation))
		}
		all = append(all, rightCase{service: service, field: field, object: "named", in: in.Interface()})
	}
	return all
}

// bases returns an input that can violate more conditions than in, or in itself.
func bases(in any) any {
	switch in := in.(type) {
	case nt.AdjustGroupsTokenIn:
		in.ResetToDefault, in.NewState = false, nt.Cap([]token.Group{})
		return in
	case nt.AdjustPrivilegesTokenIn:
		in.DisableAllPrivileges, in.NewState = false, nt.Cap([]nt.LUIDAndAttributes{})
		return in
	case nt.DuplicateTokenIn:
		in.DesiredAccess = winnt.TOKEN_QUERY
		return in
	case nt.DuplicateObjectIn:
		in.Options, in.DesiredAccess = 0, 1
		return in
	}
	return in
}

// A service returns the documented status for each of its conditions. If two conditions are violated, the one earlier
// in the row decides. A failed call does not change handles, objects, references or tokens.
func TestEarlierOfTwoConditionsDecides(t *testing.T) {
	w := newRightsWorld(t)
	for name, level := range map[string]winnt.SecurityImpersonationLevel{"anonymous": winnt.SecurityAnonymous,
		"identified": winnt.SecurityIdentification} {
		h := check.Result(w.th.NtDuplicateToken(w.all["token"], winnt.TOKEN_ALL_ACCESS, &nt.ObjectAttributes{
			SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: level}}, false,
			winnt.TokenImpersonation))
		w.all[name] = h
	}
	if _, st := w.th.NtCreateDirectoryObject(winnt.DIRECTORY_QUERY, &nt.ObjectAttributes{ObjectName: `\closed`,
		SecurityDescriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)")}); st != ntstatus.Success {
		t.Fatalf("NtCreateDirectoryObject: %v, want success", st)
	}
	for kind, in := range map[string]any{"Mutant": nt.CreateMutantIn{ObjectAttributes: attributesOf("mutant")},
		"Semaphore": nt.CreateSemaphoreIn{MaximumCount: 1, ObjectAttributes: attributesOf("semaphore")},
		"Timer":     nt.CreateTimerIn{ObjectAttributes: attributesOf("timer")},
		"JobObject": nt.CreateJobObjectIn{ObjectAttributes: attributesOf("jobobject")}} {
		row := nt.NtTable.Find("NtCreate" + kind)
		v := reflect.New(row.InType()).Elem()
		v.Set(reflect.ValueOf(in).Convert(v.Type()))
		v.FieldByName("DesiredAccess").SetUint(uint64(winnt.SYNCHRONIZE | winnt.DELETE))
		check.Require(t, check.Status(w.th.CallRow(row, v.Interface())), ntstatus.Success, "NtCreate%s", kind)
	}
	check.Require(t, w.th.NtSetInformationThread(w.all["thread"], nt.ThreadImpersonationToken, w.all["client"]), 0,
		"NtSetInformationThread")
	w.th.Services().RecordWhy(true)
	cases := append(w.cases(), w.calls()...)
	needs := map[string]map[string]*rightCase{}
	for i, c := range cases {
		if needs[c.service] == nil {
			needs[c.service] = map[string]*rightCase{}
		}
		if needs[c.service][c.field] == nil {
			needs[c.service][c.field] = &cases[i]
		}
	}
	singles, pairs := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.with != nil || needs[c.service][c.field] != c {
			continue
		}
		c.in = bases(c.in)
		f := &faultMaker{w: w, c: c, needs: needs[c.service]}
		n, m := f.tryAll(t)
		singles, pairs = singles+n, pairs+m
	}
	if t.Logf("%d faults, %d pairs", singles, pairs); singles < 670 || pairs < 2800 {
		t.Errorf("%d single faults and %d pairs were tried, want at least 670 and 2800", singles, pairs)
	}
}

// tryAll makes the call with each fault alone and with each pair of faults of different inputs. It returns how many of
// both it tried.
func (f *faultMaker) tryAll(t *testing.T) (singles, pairs int) {
	if strings.HasSuffix(f.c.service, "AndAuditAlarm") {
		f.act("client")
		defer f.act("")
	}
	all := f.faults()
	before := f.w.state()
	for k, a := range all {
		singles++
		st, why := f.call(a)
		if st != a.Status || why != a.Rule && !whys[why] {
			t.Errorf(`%s with fault "%s" in %s: %v by rule %s, want %v by %s`, f.c.service, a.When, a.place, st, why,
				a.Status, a.Rule)
			continue
		}
		for _, b := range all[k+1:] {
			desired := strings.HasPrefix(a.place, "DesiredAccess") && b.place == "DesiredAccess"
			if a.place == b.place || desired {
				continue
			}
			pairs++
			got, rule := f.call(b, a)
			check.That(t, got == st && rule == why, `%s with fault "%s" in %s and fault "%s": %v by rule %s, want %v by %s`,
				f.c.service, a.When, a.place, b.When, got, rule, st, why)
		}
	}
	after := f.w.state()
	check.That(t, after == before, "%s failed but changed the state from\n%s\nto\n%s", f.c.service, before, after)
	return singles, pairs
}

// state describes the objects, handles, references and tokens, which a failed call must not change.
func (w *rightsWorld) state() string {
	var b strings.Builder
	objects, handles, references := w.system.Counts()
	fmt.Fprintln(&b, objects, "objects", handles, "handles", references, "references")
	for _, name := range []string{"token", "primary", "client"} {
		for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
			if class != winnt.TokenStatistics { // the faults of privileges change the token and change it back
				v, _ := w.th.NtQueryInformationToken(w.all[name], class)
				fmt.Fprintln(&b, name, class, v)
			}
		}
	}
	return b.String()
}
