package kernel_test

import (
	"cmp"
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

// A violation changes the input or the world so that one documented condition of a service fails.
type violation struct {
	nt.Condition
	place string // the changed input; two violations in one place are not combined
	do    func(in reflect.Value)
	undo  func()
}

// A making returns a violation for a case, or nil if the service does not have the input. The field is the one that
// the condition's text names, if the pattern of its kind has a group.
type making func(m *violator, field string) *violation

// A violationKind makes the violation of a documented condition.
type violationKind struct {
	services string // a pattern for the names of services; "" matches all
	status   ntstatus.Status
	when     string // a pattern for the condition's text; its group is a field name
	make     making
}

// A violator violates the conditions of one case.
type violator struct {
	w     *rightsWorld
	c     *rightCase
	needs map[string]*rightCase // the cases of the service, by their fields

	memory bool // the violation by failing allocations was made
}

// change returns a violation that changes the input.
func change(place string, do func(in reflect.Value)) making {
	return func(*violator, string) *violation { return &violation{place: place, do: do} }
}

// put sets a field, or the value of a captured field, to v. A nil v means the zero value.
func put(field string, v any) making {
	return change(field, func(in reflect.Value) {
		f := in.FieldByName(field)
		if c := f.FieldByName; f.Kind() == reflect.Struct && c("V").IsValid() {
			f = c("V")
		}
		if v == nil {
			f.SetZero()
		} else {
			f.Set(reflect.ValueOf(v).Convert(f.Type()))
		}
	})
}

// putHandle sets a field to the handle of an object of the world.
func putHandle(field, object string) making {
	return func(m *violator, _ string) *violation { return put(field, m.w.all[object])(m, "") }
}

// unread makes the capture of a field fail with st.
func unread(field string, st ntstatus.Status) making {
	return change(field, func(in reflect.Value) {
		f := in.FieldByName(field)
		if f.Kind() == reflect.Struct {
			f = f.FieldByName("Status")
		}
		f.Set(reflect.ValueOf(st))
	})
}

// masked adds bits to DesiredAccess. It can be combined with other masks.
func masked(mask winnt.AccessMask) making {
	return change(fmt.Sprintf("DesiredAccess %#x", uint32(mask)), func(in reflect.Value) {
		f := in.FieldByName("DesiredAccess")
		if !f.IsValid() {
			f = in.FieldByName("ProcessDesiredAccess")
		}
		f.SetUint(f.Uint() | uint64(mask))
	})
}

// attributes changes the object attributes.
func attributes(place string, set func(*nt.ObjectAttributes)) making {
	return change("ObjectAttributes "+place, func(in reflect.Value) {
		f := in.FieldByName("ObjectAttributes")
		if !f.IsValid() {
			f = in.FieldByName("ProcessObjectAttributes")
		}
		of := f.Addr().Interface().(*nt.Captured[*nt.ObjectAttributes])
		oa := nt.ObjectAttributes{}
		if of.V != nil {
			oa = *of.V
		}
		set(&oa)
		of.V = &oa
	})
}

// name changes the object's name.
func name(path string) making {
	return attributes("name", func(oa *nt.ObjectAttributes) { oa.ObjectName = path })
}

// root makes the name relative to an object of the world, or to an invalid handle for "". An empty path changes nothing
// else.
func root(object, path string) making {
	return func(m *violator, _ string) *violation {
		return attributes("root", func(oa *nt.ObjectAttributes) {
			oa.RootDirectory, oa.ObjectName = cmp.Or(m.w.all[object], 0xDEAD0), cmp.Or(path, oa.ObjectName)
		})(m, "")
	}
}

// without disables a privilege of the caller, and makes the other violation too. Its undo enables the privilege again.
func without(p winnt.Privilege, and making) making {
	return func(m *violator, field string) *violation {
		set := func(on uint32) {
			m.w.th.NtAdjustPrivilegesToken(m.w.all["token"], false, []nt.LUIDAndAttributes{{LUID: p.LUID(),
				Attributes: on}}, false)
		}
		b := and(m, field)
		return &violation{place: b.place, do: func(in reflect.Value) { set(0); b.do(in) },
			undo: func() { set(winnt.SE_PRIVILEGE_ENABLED) }}
	}
}

// unheld disables a privilege of the caller.
func unheld(p winnt.Privilege) making { return without(p, change(p.String(), func(reflect.Value) {})) }

// acting makes the thread impersonate one token of the world during the call, and another one afterwards.
func acting(during, afterwards string) making {
	return func(m *violator, _ string) *violation {
		return &violation{place: "client", do: func(reflect.Value) { m.act(during) },
			undo: func() { m.act(afterwards) }}
	}
}

// act makes the thread impersonate a token of the world, or revert to self for "".
func (m *violator) act(client string) {
	check.Require(m.w, m.w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken,
		m.w.all[client]), ntstatus.Success, "impersonate %q", client)
}

// firstField returns the first field of the input for which is returns true, or "" if there is none.
func (m *violator) firstField(is func(reflect.StructField) bool) string {
	typ := nt.NtTable.Find(m.c.service).InType()
	for i := range typ.NumField() {
		if is(typ.Field(i)) {
			return typ.Field(i).Name
		}
	}
	return ""
}

// putFirst sets the first field for which is returns true, if there is one.
func putFirst(is func(reflect.StructField) bool, v any) making {
	return func(m *violator, _ string) *violation {
		field := m.firstField(is)
		if field == "" {
			return nil
		}
		return put(field, v)(m, "")
	}
}

const anyWhen = ".*"

// objectTypes matches the types in conditions such as "JobHandle is not a job".
const objectTypes = `token|thread|process|directory|file|port|job|mutant|semaphore|timer|symbolic link|event`

// pointers names the field for a service's first condition, unless that is the first field read.
var pointers = map[string]string{"NtAccessCheck": "GenericMapping", "NtAccessCheckByType": "GenericMapping",
	"NtAccessCheckByTypeResultList": "GenericMapping", "NtCreateToken": "User"}

// whys are the rules of pointers, handles and the access check. A trace may name them where the row names another
// rule.
var whys = map[string]bool{"O-3": true, "O-31": true, "A-30": true, "A-40": true, "A-50": true}

// The first kind that matches a condition is used.
var violationKinds = []violationKind{
	{"", ntstatus.InvalidHandle, `^RootDirectory`, root("", "x")},
	{"", ntstatus.ObjectTypeMismatch, `^RootDirectory`, root("mutant", "x")},
	{"", ntstatus.ObjectPathSyntaxBad, anyWhen, root("directory", "")},
	{"", ntstatus.ObjectNameInvalid, anyWhen, name(`\\x`)},
	{"", ntstatus.ObjectPathNotFound, `^a directory on the path`, name(`\BaseNamedObjects\nowhere\x`)},
	{"Open", ntstatus.ObjectNameNotFound, anyWhen, name(`\nothing`)},
	{"CreateEvent", ntstatus.ObjectNameCollision, anyWhen, name(`\named`)},
	{"(Open|Create)(Mutant|Semaphore|Timer|Job)", ntstatus.ObjectTypeMismatch, `^the name`, name(`\named`)},
	{"Create", ntstatus.PrivilegeNotHeld, `^OBJ_PERMANENT`, without(winnt.SeCreatePermanentPrivilege,
		attributes("permanent", func(oa *nt.ObjectAttributes) { oa.Attributes |= winnt.OBJ_PERMANENT }))},
	{"Create", ntstatus.InvalidOwner, `^the descriptor names`, without(winnt.SeRestorePrivilege,
		attributes("descriptor", func(oa *nt.ObjectAttributes) {
			oa.SecurityDescriptor = sddl.MustParse("O:S-1-5-21-9-9-9-9G:SYD:(A;;GA;;;WD)")
		}))},
	{"DuplicateToken|LowBox", ntstatus.BadImpersonationLevel, `^a primary token is requested|^the existing token`,
		putHandle("ExistingTokenHandle", "identified")},
	{"", ntstatus.AccessDenied, `^a directory on the path`, func(m *violator, _ string) *violation {
		// The caller's client would have the privilege, so this violation is not combined with one of the client.
		v := without(winnt.SeChangeNotifyPrivilege, name(`\closed\x`))(m, "")
		v.place = "client"
		return v
	}},
	{"", ntstatus.AccessDenied, `^DesiredAccess is 0`, put("DesiredAccess", 0)},
	{"Open(Process|Thread)$", ntstatus.InvalidParameterMix, anyWhen, put("ClientID", nil)},
	{"Open(Process|Thread)$", ntstatus.InvalidCid, anyWhen, put("ClientID",
		&nt.ClientID{UniqueProcess: 0x7FF0, UniqueThread: 0x7FF4})},
	{"CreateToken", ntstatus.BadTokenType, anyWhen, put("TokenType", 3)},
	{"CreateToken", ntstatus.InvalidSID, anyWhen, unread("Groups", ntstatus.InvalidSID)},
	{"CreateToken", ntstatus.InvalidACL, `^DefaultDacl`, unread("DefaultDACL", ntstatus.InvalidACL)},
	{"CreateToken", ntstatus.BadImpersonationLevel, anyWhen, put("TokenType", winnt.TokenImpersonation)},
	{"CreateToken", ntstatus.NoSuchLogonSession, anyWhen, put("AuthenticationID", winnt.LUID(0xBAD))},
	{"CreateToken", ntstatus.NoSuchPrivilege, anyWhen, put("Privileges", []nt.LUIDAndAttributes{{LUID: 99}})},
	{"CreateToken", ntstatus.InvalidParameter, `attributes of a group`,
		put("Groups", []token.Group{{SID: sid.Users, Attributes: winnt.SE_GROUP_INTEGRITY}})},
	{"CreateToken", ntstatus.InvalidOwner, anyWhen, put("Owner", sid.Guests)},
	{"CreateToken", ntstatus.InvalidPrimaryGroup, anyWhen, put("PrimaryGroup", sid.Guests)},
	{"Adjust", ntstatus.InvalidParameter, `^NewState is NULL`, put("NewState", nil)},
	{"SetSecurity", ntstatus.UnknownRevision, anyWhen, unread("SecurityDescriptor", ntstatus.UnknownRevision)},
	{"SetTimer", ntstatus.InvalidParameter6, anyWhen, put("Period", -1)},
	{"ReleaseSemaphore", ntstatus.InvalidParameter, anyWhen, put("ReleaseCount", 0)},
	{"CreateSemaphore", ntstatus.InvalidParameter, `[cC]ount`, put("MaximumCount", 0)},
	{"CreateTimer", ntstatus.InvalidParameter, `^TimerType`, put("TimerType", 2)},
	{"CreateEvent", ntstatus.InvalidParameter, `^EventType`, put("EventType", 2)},
	{"CreateSymbolic", ntstatus.InvalidParameter, `^LinkTarget`, put("LinkTarget", "")},
	{"CreateSymbolic", ntstatus.AccessViolation, `^LinkTarget`, unread("LinkTarget", ntstatus.AccessViolation)},
	{"CreateUserProcess", ntstatus.InvalidParameter, `^a flag`, put("ProcessFlags", uint32(1)<<31)},
	{"", ntstatus.InvalidHandle, `^(\w+) is not a valid handle`, func(m *violator, field string) *violation {
		return putFirst(func(f reflect.StructField) bool { return f.Name == field }, winnt.Handle(0xDEAD0))(m, "")
	}},
	{"", ntstatus.ObjectTypeMismatch, `^(\w+) is not an? (?:` + objectTypes + `)\b`, func(m *violator,
		field string) *violation {
		other := "mutant"
		if strings.HasPrefix(field, "Mutant") {
			other = "semaphore"
		}
		return putFirst(func(f reflect.StructField) bool { return f.Name == field }, m.w.all[other])(m, "")
	}},
	{"", ntstatus.AccessDenied, `^(\w+) does not grant `, func(m *violator, field string) *violation {
		c := m.needs[field]
		if c == nil {
			return nil
		}
		return put(field, m.w.limited(c.object, func(all winnt.AccessMask) winnt.AccessMask {
			for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
				if c.need&bit != 0 {
					all &^= bit | implying[bit]
				}
			}
			return all
		}))(m, "")
	}},
	{"", ntstatus.AccessDenied, `^reserved bits in DesiredAccess`, masked(1 << 26)},
	{"Token", ntstatus.AccessDenied, `^DesiredAccess has bits that`, masked(1 << 12)},
	{"Event|Mutant|Semaphore|Timer|Directory|Symbolic|Job", ntstatus.AccessDenied, `^DesiredAccess has bits that`,
		masked(1 << 12)},
	{"", ntstatus.PrivilegeNotHeld, `^ACCESS_SYSTEM_SECURITY`,
		without(winnt.SeSecurityPrivilege, masked(winnt.ACCESS_SYSTEM_SECURITY))},
	{"", ntstatus.PrivilegeNotHeld, `SeAuditPrivilege`, unheld(winnt.SeAuditPrivilege)},
	{"NtCreateToken", ntstatus.PrivilegeNotHeld, `SeCreateTokenPrivilege`, unheld(winnt.SeCreateTokenPrivilege)},
	{"NtMakePermanent", ntstatus.PrivilegeNotHeld, `SeCreatePermanentPrivilege`,
		unheld(winnt.SeCreatePermanentPrivilege)},
	{"ByHandle", ntstatus.NoImpersonationToken, anyWhen, putHandle("ClientToken", "primary")},
	{"AndAuditAlarm$", ntstatus.NoImpersonationToken, anyWhen, acting("", "client")},
	{"AndAuditAlarm$", ntstatus.BadImpersonationLevel, anyWhen, acting("anonymous", "client")},
	{"AccessCheck", ntstatus.NoImpersonationToken, anyWhen, putHandle("ClientToken", "primary")},
	{"AccessCheck|AuditAlarm|PrivilegeCheck", ntstatus.BadImpersonationLevel, anyWhen,
		putHandle("ClientToken", "anonymous")},
	{"", ntstatus.BadImpersonationLevel, `^the caller impersonates below SecurityImpersonation`,
		acting("identified", "")},
	{"AccessCheck", ntstatus.GenericNotMapped, anyWhen, masked(winnt.GENERIC_READ)},
	{"AndAuditAlarm", ntstatus.AccessViolation, `GenericMapping`, unread("GenericMapping", ntstatus.AccessViolation)},
	{"AuditAlarm", ntstatus.AccessViolation, `name`, unread("SubsystemName", ntstatus.AccessViolation)},
	{"AuditAlarm", ntstatus.InvalidSecurityDescr, anyWhen, unread("SecurityDescriptor", ntstatus.InvalidSecurityDescr)},
	{"AccessCheck", ntstatus.UnknownRevision, anyWhen, unread("SecurityDescriptor", ntstatus.UnknownRevision)},
	{"AccessCheck", ntstatus.InvalidSecurityDescr, anyWhen, put("SecurityDescriptor", nil)},
	{"AccessCheck", ntstatus.InvalidSID, anyWhen, unread("PrincipalSelfSid", ntstatus.InvalidSID)},
	{"AccessCheck", ntstatus.InvalidParameter, `type list is malformed`,
		put("ObjectTypeList", []access.ObjectTypeEntry{{Level: 1}})},
	{"AccessCheck", ntstatus.InvalidParameter, `type list is empty`, put("ObjectTypeList", nil)},
	{"AccessCheck", ntstatus.InvalidParameter, `AuditType`, put("AuditType", 2)},
	{"AuditAlarm", ntstatus.InvalidParameter, `more than 60 privileges`,
		put("Privileges", &nt.PrivilegeSet{Privilege: make([]nt.LUIDAndAttributes, 61)})},
	{"", ntstatus.InvalidInfoClass, `^any other information class$|^the class is|other than|cannot be set`,
		putFirst(func(f reflect.StructField) bool { return strings.HasSuffix(f.Name, "Class") }, 0x7FF)},
	{"", ntstatus.InfoLengthMismatch, `^the length (is (not|below)|differs)`,
		putFirst(func(f reflect.StructField) bool { return strings.HasSuffix(f.Name, "Length") }, 1)},
	{"Filter", ntstatus.InvalidParameter, `^Flags`, put("Flags", 0x10)},
	{"Filter", ntstatus.InvalidParameter, `restricting SID`, put("RestrictedSIDs",
		[]token.Group{{SID: sid.Users, Attributes: 1}})},
	{"Filter", ntstatus.InvalidSID, anyWhen, unread("SIDsToDisable", ntstatus.InvalidSID)},
	{"AdjustGroups", ntstatus.InvalidSID, anyWhen, unread("NewState", ntstatus.InvalidSID)},
	{"AdjustTokenClaims", ntstatus.InvalidSID, anyWhen, unread("NewDeviceGroupsState", ntstatus.InvalidSID)},
	{"LowBox", ntstatus.InvalidSID, anyWhen, unread("Capabilities", ntstatus.InvalidSID)},
	{"LowBox", ntstatus.InvalidParameter, `PackageSid is not`, put("PackageSID", sid.Users)},
	{"DuplicateToken", ntstatus.InvalidParameter, `^TokenType`, put("TokenType", 3)},
	{"Token", ntstatus.InvalidParameter, `level above SecurityDelegation`, attributes("level", func(
		oa *nt.ObjectAttributes) {
		oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
	})},
	{"", ntstatus.InvalidParameter, `^OBJECT_ATTRIBUTES has|^ObjectAttributes has`,
		attributes("bits", func(oa *nt.ObjectAttributes) { oa.Attributes |= 1 << 20 })},
	{"", ntstatus.InvalidParameter, `^OBJ_EXCLUSIVE together`, func(m *violator, _ string) *violation {
		const both = winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT
		handle := putFirst(func(f reflect.StructField) bool { return f.Name == "HandleAttributes" }, both)
		if v := handle(m, ""); v != nil {
			return v
		}
		return attributes("exclusive", func(oa *nt.ObjectAttributes) { oa.Attributes |= both })(m, "")
	}},
	{"GetNext", ntstatus.InvalidParameter, `^Flags`, put("Flags", 2)},
	{"", ntstatus.InsufficientResources, `^not enough memory`, func(m *violator, _ string) *violation {
		if m.memory { // allocations fail once per case
			return nil
		}
		m.memory = true
		return &violation{place: "memory", do: func(reflect.Value) {}}
	}},
	{"", ntstatus.AccessViolation, `not readable|not writable|NULL`, func(m *violator, _ string) *violation {
		field := cmp.Or(pointers[m.c.service], m.firstField(func(f reflect.StructField) bool {
			return f.Type.Kind() == reflect.Struct && strings.HasPrefix(f.Type.Name(), "Captured") ||
				strings.HasPrefix(f.Name, "Fault")
		}))
		if field == "" {
			return nil
		}
		return unread(field, ntstatus.AccessViolation)(m, "")
	}},
}

// violations returns the violations of the conditions of the service's row, in the row's order.
func (m *violator) violations() (all []*violation) {
	for _, c := range nt.NtTable.Find(m.c.service).Info().Conditions {
		for _, k := range violationKinds {
			if k.status != c.Status || !regexp.MustCompile(k.services).MatchString(m.c.service) {
				continue
			}
			match := regexp.MustCompile(k.when).FindStringSubmatch(c.When)
			if match == nil {
				continue
			}
			if one := k.make(m, append(match, "")[1]); one != nil {
				one.Condition = c
				all = append(all, one)
				break
			}
		}
	}
	return all
}

// call makes the call with the violations, undoes them, and returns the status and the rule in the trace.
func (m *violator) call(violations ...*violation) (ntstatus.Status, string) {
	in := reflect.New(nt.NtTable.Find(m.c.service).InType()).Elem()
	in.Set(reflect.ValueOf(m.c.in))
	if m.c.field != "" {
		in.FieldByName(m.c.field).Set(reflect.ValueOf(m.w.all[m.c.object]))
	}
	for _, one := range violations {
		one.do(in)
	}
	m.w.full = slices.ContainsFunc(violations, func(one *violation) bool { return one.place == "memory" })
	_, st := m.w.th.CallRow(nt.NtTable.Find(m.c.service), in.Interface())
	m.w.full = false
	why := m.w.th.Services().TakeWhy().Rule
	for _, one := range violations {
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
	_, st := w.th.NtCreateDirectoryObject(winnt.DIRECTORY_QUERY,
		&nt.ObjectAttributes{ObjectName: `\closed`, SecurityDescriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)")})
	check.RequireThat(t, st == ntstatus.Success, "NtCreateDirectoryObject: %v, want success", st)
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
		m := &violator{w: w, c: c, needs: needs[c.service]}
		single, pair := m.tryAll(t)
		singles, pairs = singles+single, pairs+pair
	}
	if t.Logf("%d violations, %d pairs", singles, pairs); singles < 670 || pairs < 2800 {
		t.Errorf("%d single violations and %d pairs were tried, want at least 670 and 2800", singles, pairs)
	}
}

// tryAll makes the call with each violation alone and with each pair of violations in different places. It returns how
// many of both it tried.
func (m *violator) tryAll(t *testing.T) (singles, pairs int) {
	if strings.HasSuffix(m.c.service, "AndAuditAlarm") {
		m.act("client")
		defer m.act("")
	}
	all := m.violations()
	before := m.w.state()
	for k, a := range all {
		singles++
		st, why := m.call(a)
		if st != a.Status || why != a.Rule && !whys[why] {
			t.Errorf(`%s where "%s" in %s: %v by rule %s, want %v by %s`, m.c.service, a.When, a.place, st, why,
				a.Status, a.Rule)
			continue
		}
		for _, b := range all[k+1:] {
			desired := strings.HasPrefix(a.place, "DesiredAccess") && b.place == "DesiredAccess"
			if a.place == b.place || desired {
				continue
			}
			pairs++
			got, rule := m.call(b, a)
			check.That(t, got == st && rule == why, `%s where "%s" in %s and "%s": %v by rule %s, want %v by %s`,
				m.c.service, a.When, a.place, b.When, got, rule, st, why)
		}
	}
	after := m.w.state()
	check.That(t, after == before, "%s failed but changed the state from\n%s\nto\n%s", m.c.service, before, after)
	return singles, pairs
}

// state describes the objects, handles, references and tokens, which a failed call must not change.
func (w *rightsWorld) state() string {
	var b strings.Builder
	fmt.Fprintln(&b, counts(w.system), "objects, handles and references")
	for _, name := range []string{"token", "primary", "client"} {
		for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
			if class != winnt.TokenStatistics { // the violations of privileges change the token and change it back
				v, _ := w.th.NtQueryInformationToken(w.all[name], class)
				fmt.Fprintln(&b, name, class, v)
			}
		}
	}
	return b.String()
}
