package model

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// World says what a history begins with: three processes of two threads and one that has not started, some
// tokens and some files, drawn from a seed. The zero value is a world too.
type World struct {
	Seed    uint64
	Profile nt.Profile

	// Over begins a history whose calls in user mode go another way than straight to
	// the kernel: attach returns the services of a thread, and end is called after the
	// last call. nil stands for the straight way.
	Over func() (attach func(*kernel.Process, *nt.Thread) (nt.Services, error), end func() error)

	bend func(*Machine) // makes the model wrong, for the tests of this package
}

// draw is a source of choices.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15))} }

func (d draw) coin(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d draw, list ...T) T { return list[d.IntN(len(list))] }

var users = []Name{Service, Alice, Bob, System}

// interesting are the privileges that a rule of the model asks for, and two
// that none does.
var interesting = []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeSecurityPrivilege,
	winnt.SeTakeOwnershipPrivilege, winnt.SeAssignPrimaryTokenPrivilege,
	winnt.SeTcbPrivilege, winnt.SeDebugPrivilege, winnt.SeRelabelPrivilege, winnt.SeShutdownPrivilege,
	winnt.SeChangeNotifyPrivilege, winnt.SeCreateTokenPrivilege, winnt.SeBackupPrivilege, winnt.SeRestorePrivilege}

// value draws a token of a user.
func (d draw) value(user Name) Value {
	v := Value{User: user, Owner: user, Type: winnt.TokenPrimary, Logon: uint64(0x10000 + slices.Index(users, user)),
		Integrity: medium, Policy: 1, Elevation: winnt.TokenElevationTypeDefault}
	if user == Anonymous {
		v.Logon, v.FromSystem = 0x3E6, d.coin(2)
	}
	for _, g := range []Name{Everyone, Users, Staff, Admins} {
		switch d.IntN(5) {
		case 0:
			continue
		case 1:
			v.Groups = append(v.Groups, Group{Name: g})
		case 2:
			v.Groups = append(v.Groups, Group{Name: g, DenyOnly: g == Admins || g == Staff, MayOwn: d.coin(2)})
		default:
			v.Groups = append(v.Groups, Group{Name: g, Enabled: true, Default: !d.coin(5), MayOwn: d.coin(5)})
		}
		if i := len(v.Groups) - 1; d.coin(5) && v.Groups[i].Enabled {
			// What is mandatory is enabled, and by default (T-2).
			v.Groups[i].Mandatory, v.Groups[i].Default = true, true
		}
	}
	if d.coin(3) {
		v.Groups = append(v.Groups, Group{Name: LogonSID, Enabled: true, Default: true, Mandatory: d.coin(2)})
	}
	v.Primary = user
	if len(v.Groups) > 0 && d.coin(2) {
		v.Primary = v.Groups[d.IntN(len(v.Groups))].Name
	}
	for i, g := range v.Groups {
		if g.Name == Admins && g.Enabled && d.coin(2) {
			v.Owner, v.Groups[i].MayOwn = Admins, true
		}
	}
	powerful := d.coin(5)
	for _, p := range interesting {
		if powerful {
			v.Held, v.Enabled = v.Held|privs(p), v.Enabled|privs(p)
		}
		if d.coin(3) {
			v.Held |= privs(p)
			if d.coin(2) {
				v.Enabled |= privs(p)
			}
			if d.coin(2) {
				v.ByDefault |= privs(p)
			}
		}
	}
	d.rare(&v)
	v.Modified = 1 + d.IntN(1000)
	return v
}

// rare draws the features that most tokens lack. Each is in a tenth of the tokens or more.
func (d draw) rare(v *Value) {
	v.UserDeny, v.Inert, v.Filtered = d.coin(10), d.coin(10), d.coin(6)
	if d.coin(4) {
		v.Restricted = []Name{pick(d, v.User, Staff, Everyone), Limit}
		v.Writing = d.coin(3)
		if d.coin(3) {
			v.Barred = []Name{pick(d, Users, Admins)}
		}
		if d.coin(5) {
			v.Restricted = []Name{}
		}
	}
	if d.coin(4) {
		v.Integrity = pick[uint32](d, low, high)
	}
	if d.coin(4) {
		v.Elevation = pick[uint32](d, winnt.TokenElevationTypeFull, winnt.TokenElevationTypeLimited)
	}
	if !d.coin(4) {
		v.Default = []Entry{{Name: v.User, Mask: winnt.GENERIC_ALL}, {Name: System, Mask: winnt.GENERIC_ALL}}
		if d.coin(2) {
			v.Default = append(v.Default, Entry{Name: Everyone, Mask: winnt.GENERIC_READ})
		}
	}
	if d.coin(5) {
		v.Session = 1 + uint32(d.IntN(3))
	}
	if d.coin(5) {
		v.Policy = uint32(d.IntN(4))
	}
	for _, f := range []uint32{winnt.TOKEN_VIRTUALIZE_ALLOWED, winnt.TOKEN_UIACCESS, winnt.TOKEN_PRIVATE_NAMESPACE,
		winnt.TOKEN_NO_CHILD_PROCESS} {
		if d.coin(8) {
			v.Flags |= f
		}
	}
}

var masks = []winnt.AccessMask{winnt.GENERIC_ALL, winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE,
	0x1F01FF, 0xF01FF, 0x8, 0xA, 0x20, 0x4, 0x28,
	winnt.READ_CONTROL, winnt.WRITE_DAC | winnt.READ_CONTROL, winnt.WRITE_OWNER, 0x1, 0x2, 0x120089}

// guard draws a descriptor.
func (d draw) guard() *Descriptor {
	g := &Descriptor{Owner: pick(d, Service, Alice, Bob, System, Admins), NoDACL: d.coin(12)}
	g.Group = pick(d, g.Owner, Users, Staff)
	if !g.NoDACL {
		for range d.IntN(5) {
			g.Entries = append(g.Entries,
				Entry{Deny: d.coin(4), Name: pick(d, Service, Alice, Bob, System, Admins, Users, Staff, Everyone,
					Limit), Mask: pick(d, masks...)})
		}
		if d.coin(2) {
			g.Entries = append(g.Entries, Entry{Name: pick(d, Everyone, Service, Alice), Mask: winnt.GENERIC_ALL})
		}
	}
	if d.coin(3) {
		g.Label, g.Policy = pick[uint32](d, low, medium, high), pick[uint32](d, 1, 1, 3)
	}
	return g
}

// machine draws the model of the world.
func (w World) machine() *Machine {
	d := newDraw(w.Seed)
	m := &Machine{Profile: w.Profile, Kernel: Table{Kernel: true}, modified: 1000}
	for i := range last + 1 {
		v := d.value(pick(d, Service, Alice))
		if i == 0 {
			v = d.value(Service)
			if d.coin(2) { // the server of most histories
				v.Held |= privs(winnt.SeImpersonatePrivilege)
				v.Enabled |= privs(winnt.SeImpersonatePrivilege)
				v.Restricted, v.Barred, v.Writing = nil, nil, false
			}
		}
		p := &Process{Primary: m.newToken(v, defaultGuard(&v, &tokenKind, nil), nil),
			Guard: defaultGuard(&v, &processKind, nil), Name: fmt.Sprintf("p%d", i), Self: processKind.all}
		for range 2 {
			t := &Thread{Process: p, Guard: defaultGuard(&v, &threadKind, nil)}
			// A thread may end, set and query itself in any case (O-18), with
			// the limited rights that come with those (O-36).
			t.Self = 0x1 | 0x20 | 0x40 | 0x400 | 0x800
			if g, st := decide(&v, t.Guard, maximum, &threadKind); st.IsSuccess() {
				t.Self |= g
			}
			if d.coin(4) {
				t.Suspended = pick(d, 1, 2, 126, 127)
			}
			p.Threads = append(p.Threads, t)
			m.Threads = append(m.Threads, t)
		}
		m.Processes = append(m.Processes, p)
	}
	v := d.value(pick(d, Service, Alice))
	m.Processes = append(m.Processes, &Process{Primary: m.newToken(v, defaultGuard(&v, &tokenKind, nil), nil),
		Guard: defaultGuard(&v, &processKind, nil), Name: "not started", Self: processKind.all})
	for range 7 {
		v := d.value(pick(d, Service, Alice, Bob, Alice, System, Anonymous))
		if !d.coin(5) {
			v.Type, v.Level = winnt.TokenImpersonation, pick[winnt.SecurityImpersonationLevel](d, 0, 1, 2, 2, 2, 3)
		}
		if d.coin(5) {
			v.Origin = m.Processes[0].Primary.Value.Logon
		}
		g := defaultGuard(&v, &tokenKind, nil)
		if d.coin(3) {
			g = defaultGuard(&v, &tokenKind, d.guard())
		}
		m.Held = append(m.Held, m.newToken(v, g, nil))
	}
	d.files(m)
	for _, p := range m.Processes {
		p.First = p.Primary
	}
	d.handles(m)
	d.jobs(m)
	if w.bend != nil {
		w.bend(m)
	}
	return m
}

// files draws the files that can be opened by name.
func (d draw) files(m *Machine) {
	for i := range 4 {
		f := &File{Name: string(rune('a' + i)), Guard: d.guard()}
		if i == 3 {
			f.Guard = nil
		}
		m.Files = append(m.Files, f)
	}
}
