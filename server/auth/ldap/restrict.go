package ldap

import (
	"fmt"
	"time"
)

// Restriction is the reason why an account may not be used. The zero value means that it may.
type Restriction uint8

// The restrictions.
const (
	Disabled         Restriction = 1 + iota
	Expired                      // the account has expired
	Locked                       // wrong passwords have locked the account
	MustChange                   // an administrator set the password; the user must change it first
	PasswordExpired              // the password is too old
	OutOfHours                   // the account may not be used at this hour of the week
	OtherWorkstation             // the account may only be used from other computers
)

var restrictionNames = [...]string{"usable", "disabled", "expired", "locked", "unusable until its password is changed",
	"unusable because its password has expired", "not to be used at this hour", "not to be used from here"}

// String returns the restriction in words that complete "the account is", such as "disabled". The zero value is
// "usable", and an unknown value "restriction N".
func (r Restriction) String() string {
	if int(r) < len(restrictionNames) {
		return restrictionNames[r]
	}
	return fmt.Sprintf("restriction %d", r)
}

// Bits of userAccountControl and of msDS-User-Account-Control-Computed.
const (
	controlDisabled        = 0x2
	controlLocked          = 0x10
	controlNeverExpires    = 0x10000
	controlPasswordExpired = 0x800000
)

// hoursOfAWeek is the length of logonHours, a bit an hour from Sunday, 0:00 UTC.
const hoursOfAWeek = 7 * 24 / 8

// bounds has the times at which an account may be used: its expiry, that of its password and its logon hours. The zero
// value has no limits. Immutable.
type bounds struct {
	expires  int64  // expiry of the account, a FILETIME; 0 and never: no expiry
	password int64  // expiry of the password, a FILETIME; 0 and never: no expiry
	hours    []byte // logonHours; nil: all
}

// at returns the restriction that applies to an account at a time: Expired before PasswordExpired before OutOfHours. It
// returns 0 if none does.
func (b *bounds) at(now time.Time) Restriction {
	switch {
	case past(b.expires, now):
		return Expired
	case past(b.password, now):
		return PasswordExpired
	case !b.inHours(now):
		return OutOfHours
	}
	return 0
}

// inHours reports whether the account may be used at this hour. Without hours it always may. The hours are in UTC.
func (b *bounds) inHours(now time.Time) bool {
	if b.hours == nil {
		return true
	}
	now = now.UTC()
	hour := int(now.Weekday())*24 + now.Hour()
	return b.hours[hour/8]>>(hour%8)&1 != 0
}

// computed has attributes that an Active Directory server computes for an account: its control flags and the expiry of
// its password.
type computed struct {
	control int64 // msDS-User-Account-Control-Computed; -1: absent
	expiry  int64 // msDS-UserPasswordExpiryTimeComputed; 0: the password must be changed; -1: absent
}

// restrict sets f.Restricted, the first reason why an account may not log on (D-11). The order is disabled, expired,
// locked, password, hours. userAccountControl is required; any other absent attribute restricts nothing. Attributes
// that the server computes override stored ones. Malformed hours are an error.
func (d *Directory) restrict(f *Found, e *entry, c *computed) error {
	var numbers [4]int64
	for i, name := range [...]string{"userAccountControl", "accountExpires", "lockoutTime", "pwdLastSet"} {
		n, err := e.number(name, -1)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	control, lockout, set := numbers[0], numbers[2], numbers[3]
	f.bounds = bounds{expires: numbers[1], password: c.expiry}
	hours, _, all := e.values("logonHours")
	if len(hours) > 0 && len(hours[0]) > 0 {
		if !all || len(hours) != 1 || len(hours[0]) != hoursOfAWeek {
			// Unreadable hours could exclude the current hour (D-31).
			return wrong("logonHours are not those of a week")
		}
		f.bounds.hours = hours[0]
	}
	timed := f.bounds.at(d.cfg.Now())
	switch {
	case control < 0:
		return wrong("the directory does not show whether the account is disabled")
	case control&controlDisabled != 0:
		f.Restricted = Disabled
	case timed == Expired:
		f.Restricted = Expired
	case c.control >= 0 && c.control&controlLocked != 0, c.control < 0 && lockout > 0:
		// The server says whether the lock has expired. Without that attribute the lock counts
		// (D-11).
		f.Restricted = Locked
	case c.expiry == 0, c.expiry < 0 && set == 0 && control&controlNeverExpires == 0:
		// A password that an administrator set must be changed before use (D-31).
		f.Restricted = MustChange
	case c.control >= 0 && c.control&controlPasswordExpired != 0:
		// The server applies the account's password policy (D-31).
		f.Restricted = PasswordExpired
	default:
		f.Restricted = timed
	}
	return nil
}
