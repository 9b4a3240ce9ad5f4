package services_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/fileaccess"
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

const (
	svc    = "S-1-5-21-1-2-3-1500"
	client = "S-1-5-21-1-2-3-1001"
)

// world is a kernel whose Close fails the test if an object leaked. The processes of a test may have no quota charges
// then.
type world struct {
	tb    testing.TB
	sys   *kernel.System
	quota *kernel.QuotaBlock // of the processes
}

func newWorld(tb testing.TB, cfg kernel.Config) *world {
	tb.Helper()
	w := &world{tb, kernel.Boot(cfg), kernel.NewQuotaBlock(nil, 1<<40, false)}
	tb.Cleanup(func() {
		check.NoError(tb, w.sys.Close())
		check.Equal(tb, w.quota.Used(), 0, "bytes charged at the end")
	})
	return w
}

// value returns a token of the user with these privileges enabled.
func value(tb testing.TB, user string, typ winnt.TokenType, level winnt.SecurityImpersonationLevel,
	privileges ...winnt.Privilege) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = typ, level
	for _, p := range privileges {
		s.Privileges |= p.Bit()
		s.EnabledPrivileges |= p.Bit()
	}
	return check.Must(token.New(s))
}

func (w *world) process(name string, privileges ...winnt.Privilege) *kernel.Process {
	w.tb.Helper()
	return w.with(name, value(w.tb, svc, winnt.TokenPrimary, 0, privileges...))
}

// of creates a process whose token is built from the spec.
func (w *world) of(name string, spec token.Spec) *kernel.Process {
	w.tb.Helper()
	return w.with(name, check.Must(token.New(spec)))
}

func (w *world) with(name string, v *token.Token) *kernel.Process {
	w.tb.Helper()
	p := check.Must(w.sys.NewProcess(name, v))
	p.SetQuota(w.quota)
	return p
}

// system returns a thread of a new process with the LocalSystem token.
func (w *world) system(name string) *nt.Thread {
	w.tb.Helper()
	th, _ := w.thread(w.of(name, token.LocalSystem()))
	return th
}

func (w *world) thread(p *kernel.Process) (*nt.Thread, *kernel.KernelThread) {
	w.tb.Helper()
	th := check.Must(p.NewThread())
	return th, w.sys.KernelMode(th)
}

// newProcess returns a new world with a process, which has these privileges enabled, and a thread of it.
func newProcess(tb testing.TB, privileges ...winnt.Privilege) (*world, *nt.Thread, *kernel.KernelThread) {
	tb.Helper()
	w := newWorld(tb, kernel.Config{})
	th, k := w.thread(w.process("p", privileges...))
	return w, th, k
}

// newThread returns the thread of newProcess.
func newThread(tb testing.TB, privileges ...winnt.Privilege) *nt.Thread {
	tb.Helper()
	_, th, _ := newProcess(tb, privileges...)
	return th
}

// token creates a token object whose DACL admits the server of k.
func (w *world) token(k *kernel.KernelThread, user string, level winnt.SecurityImpersonationLevel,
	privileges ...winnt.Privilege) *kernel.AccessToken {
	w.tb.Helper()
	t := k.CaptureToken(value(w.tb, user, winnt.TokenImpersonation, level, privileges...), k.Thread())
	w.tb.Cleanup(func() { k.PsDereferenceImpersonationToken(t) })
	return t
}

// impersonate makes the thread of k impersonate a new token at a level.
func (w *world) impersonate(k *kernel.KernelThread, user string, level winnt.SecurityImpersonationLevel,
	privileges ...winnt.Privilege) {
	w.tb.Helper()
	check.Require(w.tb, k.PsImpersonateClient(k.Thread(), w.token(k, user, level, privileges...), false, false, level),
		ntstatus.Success, "impersonating %s", user)
}

// The caller's process runs as LocalSystem, and the server's process as this account. Objects that the server's process
// creates grant access to this account.
const otherServer = "S-1-5-21-1-2-3-1501"

// full is the mask of all token rights, in SDDL.
const full = "CCDCLCSWRPWPDTLOCRSDRCWDWO"

func newBetween(t *testing.T, cfg kernel.Config) *between {
	t.Helper()
	b := &between{world: newWorld(t, cfg), t: t}
	b.asks = b.system("asks")
	of := func(name, user string) (*nt.Thread, *kernel.KernelThread) {
		p := check.Must(b.sys.NewProcess(name, value(t, user, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)))
		return b.thread(p)
	}
	b.server, b.serves = of("server", otherServer)
	b.client, _ = of("client", client)
	return b
}

// between has a caller, a server and a client, a process and a user each.
type between struct {
	*world
	t      *testing.T
	asks   *nt.Thread // of LocalSystem
	server *nt.Thread
	serves *kernel.KernelThread
	client *nt.Thread
}

// handle opens a thread for the caller's process.
func (b *between) handle(th *nt.Thread, rights winnt.AccessMask) winnt.Handle {
	b.t.Helper()
	v := check.Result(th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation))
	id := v.(nt.ThreadBasic).ClientID
	return check.Result(b.asks.NtOpenThread(rights, &nt.ObjectAttributes{},
		&nt.ClientID{UniqueThread: id.UniqueThread}))
}

// acl returns the DACL of the server's impersonation token in SDDL, queried by the server's process.
func (b *between) acl() string {
	b.t.Helper()
	h := check.Result(b.server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.READ_CONTROL, true))
	d := check.Result(b.server.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION))
	return check.Must(sddl.Format(d, sddl.Options{}))
}

// named returns the attributes of a named object that everyone may use.
func named(name string) *nt.ObjectAttributes {
	return &nt.ObjectAttributes{ObjectName: name, SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}
}

func want(t *testing.T, what string, got, want ntstatus.Status) {
	t.Helper()
	check.Equal(t, got, want, "%s", what)
}

// maker is a service that creates a handle. The test sets its attributes.
type maker struct {
	name    string // of the service, with a suffix for the variant
	service string
	in      any
	object  nt.ObjectAttributes
	granted winnt.AccessMask
	never   uint32 // attributes that are accepted without effect
	refused uint32 // attributes that are refused in kernel mode
	kernel  bool   // outside of the System process it creates only kernel handles
	objects int64  // the number of objects that a call creates
}

// call calls the service with these attributes in addition and returns the handle.
func (m *maker) call(th *nt.Thread, attributes uint32) (h winnt.Handle, st ntstatus.Status) {
	in := reflect.New(reflect.TypeOf(m.in)).Elem()
	in.Set(reflect.ValueOf(m.in))
	if f := in.FieldByName("HandleAttributes"); f.IsValid() {
		f.Set(reflect.ValueOf(attributes))
	} else {
		object := m.object
		object.Attributes |= attributes
		in.FieldByName("ObjectAttributes").Set(reflect.ValueOf(nt.Cap(&object)))
	}
	out, st := th.CallRow(nt.NtTable.Find(m.service), in.Interface())
	for i := range reflect.ValueOf(out).NumField() {
		if v, ok := reflect.ValueOf(out).Field(i).Interface().(winnt.Handle); ok {
			h = v
		}
	}
	return h, st
}

// makers returns the services that create handles, with their prerequisites.
func makers(t *testing.T, w *world, th *nt.Thread, k *kernel.KernelThread) (all []maker) {
	t.Helper()
	add := func(service, special string, in any, name string, granted winnt.AccessMask) *maker {
		m := maker{name: service + special, service: service, in: in, granted: granted,
			object: nt.ObjectAttributes{ObjectName: name}}
		if strings.HasPrefix(service, "NtCreate") || service == "NtDuplicateToken" {
			m.objects = 1
		}
		all = append(all, m)
		return &all[len(all)-1]
	}
	const base = `\BaseNamedObjects\`
	for _, special := range []string{"", " with a name"} {
		name := func(n string) string {
			if special == "" {
				return ""
			}
			return base + n
		}
		add("NtCreateEvent", special, nt.CreateEventIn{DesiredAccess: 3}, name("a"), 3)
		add("NtCreateMutant", special, nt.CreateMutantIn{DesiredAccess: 1}, name("b"), 1)
		add("NtCreateSemaphore", special, nt.CreateSemaphoreIn{DesiredAccess: 3, MaximumCount: 1}, name("c"), 3)
		add("NtCreateTimer", special, nt.CreateTimerIn{DesiredAccess: 2}, name("d"), 2)
		add("NtCreateJobObject", special, nt.CreateJobObjectIn{DesiredAccess: 5}, name("e"), 5)
		add("NtCreateDirectoryObject", special, nt.CreateDirectoryObjectIn{DesiredAccess: 3}, name("f"), 3)
		add("NtCreateSymbolicLinkObject", special,
			nt.CreateSymbolicLinkObjectIn{DesiredAccess: 1, LinkTarget: nt.Cap(`\x`)}, name("g"), 1)
	}
	must := func(what string, st ntstatus.Status) {
		t.Helper()
		want(t, what, st, ntstatus.Success)
	}
	_, st := th.NtCreateEvent(1, &nt.ObjectAttributes{ObjectName: base + "there"}, nt.NotificationEvent, false)
	must("make an event", st)
	add("NtOpenEvent", "", nt.OpenEventIn{DesiredAccess: 2}, base+"there", 2)
	add("NtOpenDirectoryObject", "", nt.OpenDirectoryObjectIn{DesiredAccess: 3}, `\BaseNamedObjects`, 3)
	check.NoError(t, w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	add("NtOpenFile", " of a plain name", nt.OpenFileIn{DesiredAccess: 3}, "f", 3)
	add("NtOpenFile", " of a path", nt.OpenFileIn{DesiredAccess: 3}, `\Files\f`, 3)
	add("NtCreateFile", "", nt.CreateFileIn{DesiredAccess: 3, CreateDisposition: winnt.FILE_OPEN}, `\Files\f`,
		3).objects = 0 // the file is the object
	add("NtOpenFile", " of a device", nt.OpenFileIn{DesiredAccess: 1}, `\Device\Null`, 1).objects = 1
	add("NtCreateNamedPipeFile", "", nt.CreateNamedPipeFileIn{DesiredAccess: 1}, `\??\pipe\made`, 1)
	me, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	must("query the thread", st)
	id := me.(nt.ThreadBasic).ClientID
	add("NtOpenProcess", "", nt.OpenProcessIn{DesiredAccess: 2, ClientID: nt.Cap(&id)}, "", 2)
	add("NtOpenThread", "", nt.OpenThreadIn{DesiredAccess: 2, ClientID: nt.Cap(&id)}, "", 2)
	add("NtGetNextProcess", "", nt.GetNextProcessIn{DesiredAccess: 2}, "", 2)
	add("NtGetNextThread", "", nt.GetNextThreadIn{DesiredAccess: 2, ProcessHandle: winnt.NtCurrentProcess}, "", 2)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	must("open the token", st)
	must("make it inheritable", th.NtSetInformationObject(own, nt.HandleFlagInformation{Inherit: true}))
	d := sddl.MustParse("D:(A;;GA;;;WD)")
	duplicate := nt.DuplicateTokenIn{ExistingTokenHandle: own, DesiredAccess: 10, TokenType: winnt.TokenPrimary}
	add("NtDuplicateToken", "", duplicate, "", 10).never = winnt.OBJ_INHERIT
	add("NtDuplicateToken", " with a descriptor", duplicate, "", 10).object.SecurityDescriptor = d
	plain := plainToken(winnt.TokenPrimary)
	plain.DesiredAccess = 10
	add("NtCreateToken", "", plain, "", 10)
	add("NtCreateLowBoxToken", "", nt.CreateLowBoxTokenIn{ExistingTokenHandle: own, DesiredAccess: 10,
		PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))}, "", 10)
	m := add("NtOpenProcessTokenEx", "", nt.OpenProcessTokenExIn{ProcessHandle: winnt.NtCurrentProcess,
		DesiredAccess: 10}, "", 10)
	m.refused, m.kernel = winnt.OBJ_INHERIT, true
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	must("act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
	m = add("NtOpenThreadTokenEx", "", nt.OpenThreadTokenExIn{ThreadHandle: winnt.NtCurrentThread, DesiredAccess: 10,
		OpenAsSelf: true}, "", 10)
	m.refused, m.kernel = winnt.OBJ_INHERIT, true
	k.PsRevertToSelf()
	return all
}

// rung is one error in a call and the status that reports it.
type rung[In any] struct {
	name       string
	want       ntstatus.Status
	invalidate func(*In)
}

// checkOrder makes a call with all errors, then without the first, then without the first two, and so on. Each time the
// service must report the first remaining error. Without errors the call must succeed. Each error alone must also be
// reported.
func checkOrder[In any](t *testing.T, name string, in In, call func(In) ntstatus.Status, rungs []rung[In]) {
	t.Helper()
	for i := range len(rungs) + 1 {
		invalid, wanted, what := in, ntstatus.Success, "nothing"
		for _, r := range rungs[i:] {
			r.invalidate(&invalid)
		}
		if i < len(rungs) {
			wanted, what = rungs[i].want, rungs[i].name
		}
		check.Equal(t, call(invalid), wanted, "%s with the first wrong argument %s", name, what)
	}
	for _, r := range rungs {
		invalid := in
		r.invalidate(&invalid)
		check.Equal(t, call(invalid), r.want, "%s with only %s wrong", name, r.name)
	}
}

// unread returns the status of an argument that cannot be read, unique for n.
func unread(n uint32) ntstatus.Status { return ntstatus.Status(0xE0000000 + n) }

// tcbSet returns a set of n privileges, each SeTcbPrivilege.
func tcbSet(n int) nt.Captured[*nt.PrivilegeSet] {
	set := &nt.PrivilegeSet{Privilege: make([]nt.LUIDAndAttributes, n)}
	for i := range set.Privilege {
		set.Privilege[i].LUID = winnt.SeTcbPrivilege.LUID()
	}
	return nt.Cap(set)
}

// alarmWorld returns a server with SeAuditPrivilege, and the services of a thread whose process does not have it.
// That thread impersonates a client that has the privilege.
func alarmWorld(t *testing.T) (s *auditServer, mute nt.Services) {
	t.Helper()
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	w.impersonate(k, client, winnt.SecurityImpersonation, winnt.SeAuditPrivilege)
	t.Cleanup(k.PsRevertToSelf)
	return w.auditServer(t, winnt.SecurityIdentification), th.Services()
}

// plainToken returns input for NtCreateToken, with its own policy and level.
func plainToken(typ winnt.TokenType) nt.CreateTokenIn {
	return nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: typ,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}}),
		AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.MustParse(client)}),
		ExpirationTime: nt.Cap(int64(1 << 50)), Groups: nt.Cap([]token.Group{}),
		Privileges: nt.Cap([]nt.LUIDAndAttributes{}), PrimaryGroup: nt.Cap(sid.MustParse(client)),
		Source: nt.Cap(&token.Source{Name: "src", ID: 7})}
}

// plainTokenEx returns the input of plainToken for NtCreateTokenEx, with a mandatory policy; nil leaves it out.
func plainTokenEx(typ winnt.TokenType, policy *uint32) nt.CreateTokenExIn {
	in := plainToken(typ)
	return nt.CreateTokenExIn{DesiredAccess: in.DesiredAccess, ObjectAttributes: in.ObjectAttributes, TokenType: typ,
		AuthenticationID: in.AuthenticationID, User: in.User, Groups: in.Groups, Privileges: in.Privileges,
		PrimaryGroup: in.PrimaryGroup, Source: in.Source, MandatoryPolicy: nt.Cap(policy)}
}

// class queries a class of a token. It returns the zero value if the value has another type.
func class[V any](t *testing.T, th *nt.Thread, h winnt.Handle, c winnt.TokenInfoClass) (v V) {
	t.Helper()
	v, _ = check.Result(th.NtQueryInformationToken(h, c)).(V)
	return v
}

// openProcess opens a process for the thread k with all rights.
func openProcess(t *testing.T, k *kernel.KernelThread, p *kernel.Process) winnt.Handle {
	t.Helper()
	return check.Result(k.ObOpenObjectByPointer(p.Object(), 0, winnt.PROCESS_ALL_ACCESS, winnt.ProcessObject,
		kernel.KernelMode))
}

// assignable returns a handle of a new token with this value that grants TOKEN_ASSIGN_PRIMARY.
func assignable(k *kernel.KernelThread, v *token.Token) winnt.Handle {
	tok := k.NewToken(v)
	defer k.PsDereferencePrimaryToken(tok)
	return check.Result(k.ObOpenObjectByPointer(tok, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject,
		kernel.KernelMode))
}

// handles returns the handles of a process with their rights and attributes.
func handles(t *testing.T, th *nt.Thread) map[winnt.Handle]string {
	t.Helper()
	v := check.Result(th.NtQueryInformationProcess(winnt.NtCurrentProcess, nt.ProcessHandleInformation))
	out := map[winnt.Handle]string{}
	for _, e := range v.([]nt.ProcessHandle) {
		out[e.HandleValue] = fmt.Sprintf("%v %#x", e.GrantedAccess, e.HandleAttributes)
	}
	return out
}

const (
	synchronous = fileaccess.SynchronousIONonalert
	pointer     = winnt.FILE_USE_FILE_POINTER_POSITION
	atEnd       = winnt.FILE_WRITE_TO_END_OF_FILE
)

// set sets a class of a file.
func (w *treeWorld) set(h winnt.Handle, class nt.FileInfoClass, v any) ntstatus.Status {
	return check.Status(w.Services().NtSetInformationFile(nt.SetInformationFileIn{FileHandle: h,
		FileInformationClass: class, FileInformation: nt.Cap(v)}))
}

// recorded is a world whose log records everything.
func recorded(t *testing.T, sink audit.Sink, options audit.Options) *world {
	t.Helper()
	log := &audit.Log{Sink: sink}
	w := newWorld(t, kernel.Config{Log: log})
	setEverything(t, log, options)
	return w
}

// setEverything gives a log the policy that records everything.
func setEverything(t *testing.T, log *audit.Log, options audit.Options) {
	t.Helper()
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}, Options: options}
	for s := range audit.Subcategories {
		spec.System[s] = audit.OnBoth
	}
	log.Policy.Store(check.Must(audit.NewPolicy(spec)))
}

// drain drains the records. For each it returns the event number, F for a failure, and the non-empty fields except
// those in the list below.
func drain(m *audit.Memory) (out []string) {
	for _, e := range m.Drain() {
		text := fmt.Sprint(e.ID)
		if e.Outcome == audit.Failure {
			text += " F"
		}
		for f := range e.Fields() {
			switch f.Name {
			case "TransactionId", "RestrictedSidCount", "AccessList", "AccessReason", "SubjectUserName", "SubjectDomainName",
				"SubjectLogonId", "PrimaryLogonId", "AdditionalInfo", "AdditionalInfo2":
				continue
			}
			if f.Text() != "-" && f.Text() != "" {
				text += fmt.Sprintf(" %s=%s", f.Name, strings.Join(slices.Collect(f.Items()), ","))
			}
		}
		out = append(out, text)
	}
	return out
}

// acting is the user that the thread of an auditServer impersonates.
const acting = "S-1-5-21-1-2-3-1002"

// auditServer is a thread that impersonates a client and has a handle of the client's token.
type auditServer struct {
	nt.Services
	client winnt.Handle
	who    string // the fields of each of its records that name the client
	by     string // those that name the process
}

// sample is a descriptor whose SACL audits the rights of GENERIC_READ.
const sample = "O:BAG:SYD:(A;;0x1;;;WD)(OA;;0x2;0000000b-0000-0000-0000-000000000000;;WD)S:(AU;SAFA;GR;;;WD)"

var tcb = nt.Cap(&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}})

func (w *world) auditServer(t *testing.T, level winnt.SecurityImpersonationLevel) *auditServer {
	t.Helper()
	p := w.process("server", winnt.SeAuditPrivilege, winnt.SeImpersonatePrivilege)
	th, k := w.thread(p)
	w.impersonate(k, client, winnt.SecurityImpersonation)
	h := check.Result(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
	k.PsRevertToSelf()
	other := w.token(k, acting, winnt.SecurityImpersonation)
	check.Success(t, k.PsImpersonateClient(k.Thread(), other, false, false, level))
	w.tb.Cleanup(k.PsRevertToSelf)
	return &auditServer{th.Services(), h, " SubjectUserSid=" + client,
		fmt.Sprintf(" ProcessId=%#x ProcessName=server", uint64(p.ID()))}
}

// userThread returns a thread of a process with a token of the spec.
func userThread(t *testing.T, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	return threadOf(t, kernel.Config{}, spec)
}

// threadOf boots a kernel and returns a thread of a process with a token of the spec.
func threadOf(t *testing.T, cfg kernel.Config, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	w := newWorld(t, cfg)
	th, _ := w.thread(w.of("p", spec))
	return w.sys, th
}

// pipePair returns the threads of a server process with SeImpersonatePrivilege and of a
// client of another user.
func pipePair(tb testing.TB) (sys *kernel.System, server, client *nt.Thread) {
	tb.Helper()
	w := newWorld(tb, kernel.Config{})
	thread := func(name, file string) *nt.Thread {
		v := check.Must(token.Parse([]byte(file)))
		th, _ := w.thread(w.with(name, v))
		return th
	}
	server = thread("server", `{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`)
	client = thread("client", `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`)
	return w.sys, server, client
}

// everyone lets each user open a pipe.
var everyone = nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:NSG:NSD:(A;;FA;;;WD)")}

// disabled returns the claims of a set with FlagDisabled.
func disabled(s *claims.Set) (list []claims.Attribute) {
	for _, a := range s.All() {
		a.Flags |= claims.FlagDisabled
		list = append(list, a)
	}
	return list
}

// tokenValues returns the value of each information class of a token by name, or the status of a failed query. It omits
// the token's own ids, nil values and two classes that repeat others.
func tokenValues(t *testing.T, th *nt.Thread, h winnt.Handle) map[string]string {
	t.Helper()
	all := map[string]string{}
	for class := winnt.TokenUser; class <= winnt.MaxTokenInfoClass; class++ {
		v, st := th.NtQueryInformationToken(h, class)
		if st != ntstatus.Success {
			all[class.String()] = st.String()
			continue
		}
		if s, ok := v.(nt.TokenStatistics); ok {
			s.TokenID, s.ModifiedID = 0, 0
			v = s
		}
		if f := reflect.ValueOf(v); class == winnt.TokenAccessInformation || class == winnt.TokenGroupsAndPrivileges ||
			f.Kind() == reflect.Pointer && f.IsNil() {
			continue // included in other classes
		}
		if list, ok := v.(*sd.ACL); ok {
			v = fmt.Sprintf("%x", list.Binary())
		}
		all[class.String()] = fmt.Sprintf("%+v", v)
	}
	return all
}

const pendingPipe = `\??\pipe\pending`

func newPendingWorld(t *testing.T, quota uint32) *pendingWorld {
	t.Helper()
	base := newWorld(t, kernel.Config{})
	p := base.process("p", winnt.SeImpersonatePrivilege)
	th, _ := base.thread(p)
	t.Cleanup(p.Exit)
	return &pendingWorld{T: t, p: p, th: th, server: check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{
		DesiredAccess: both | winnt.SYNCHRONIZE, NamedPipeType: 1, ReadMode: 1, InboundQuota: quota,
		OutboundQuota: quota, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: pendingPipe})}))}
}

// later returns an operation whose Done stores the result in got and counts its calls in ends.
func later(ends *atomic.Int32, got *nt.IOResult) *nt.Later {
	return &nt.Later{Done: func(r nt.IOResult) { *got = r; ends.Add(1) }}
}

func newPipeSide(t *testing.T) pipeSide {
	_, server, client := pipePair(t)
	return pipeSide{t, server, client}
}

const both = winnt.GENERIC_READ | winnt.GENERIC_WRITE

// badHandles calls a service with an invalid handle, with a handle of another type, and with a duplicate of h that
// has only the given, insufficient rights (O-31).
func badHandles(t *testing.T, th *nt.Thread, h winnt.Handle, rights winnt.AccessMask, other winnt.Handle,
	call func(winnt.Handle) ntstatus.Status) {
	t.Helper()
	weak := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, rights, 0, 0))
	want(t, "O-31: no handle", call(0x7770), ntstatus.InvalidHandle)
	want(t, "O-31: another type", call(other), ntstatus.ObjectTypeMismatch)
	want(t, "O-31: too few rights", call(weak), ntstatus.AccessDenied)
	check.Success(t, th.NtClose(weak))
}
