package directory

import (
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sd"
)

// kind returns how the directory's users log on. It is [logon.Kerberos] for a directory without accounts.
func (d *Directory) kind() logon.Kind {
	if d.accounts == nil {
		return logon.Kerberos
	}
	return d.accounts.Logon
}

// DependsOnKind reports whether the answer for a descriptor can differ between kinds of logon. It can if the descriptor
// names a SID that only some kinds have, or has a condition or a policy. It can for every descriptor if the directory
// has accounts of a computer, whose administrators are limited over the network (L-7). It is false for nil.
func (d *Directory) DependsOnKind(o *sd.Descriptor) bool {
	switch {
	case o == nil:
		return false
	case d.accounts != nil && !d.accounts.Computer.IsZero(), logon.DependsOnKind(o.Owner()),
		o.SACL().Facts()&(sd.HasAccessFilter|sd.HasScopedPolicy) != 0:
		return true
	}
	l := o.DACL()
	for _, x := range l.Entries() {
		if extra := l.Extra(x.Aux); logon.DependsOnKind(x.SID) || extra != nil && extra.Condition != nil {
			return true
		}
	}
	return false
}

// LoggedOn returns the directory with the tokens of another kind of logon. It has the same principals in the same
// order. Those from Add keep their tokens, and those that FindOrAdd made get new ones. d does not change. For its own
// kind it returns d itself. It fails as New does.
func (d *Directory) LoggedOn(kind logon.Kind) (*Directory, error) {
	if kind == d.kind() {
		return d, nil
	}
	accounts := Accounts{}
	if d.accounts != nil {
		accounts = Accounts{Domain: d.accounts.Domain, Realm: d.accounts.Realm, Computer: d.accounts.Computer,
			Users: d.accounts.Users, Groups: d.accounts.Groups}
	}
	accounts.Logon = kind
	other, err := New(&accounts)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Principals[min(len(other.Principals), len(d.Principals)):] {
		// Principals of token files keep their tokens (B-27).
		if p.standIn {
			if p, _, err = d.newStandIn(p.SID(), kind); err != nil {
				return nil, err
			}
		}
		other.Principals = append(other.Principals, p)
	}
	return other, nil
}
