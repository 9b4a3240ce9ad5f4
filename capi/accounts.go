//go:build cgo && linux

package main

import (
	"sync"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// machine is the domain of the embedded kernel's own accounts.
var machine = administratorUser.Prefix()

// authority answers who is who on the embedded computer.
var authority = sync.OnceValue(func() logon.Authority { return logon.Example(machine) })

// names answers who is who for the look-ups of a program.
type names interface {
	LookupName(name string) (logon.Account, bool)
	LookupSID(s sid.SID) (logon.Account, bool)
	Computer() logon.Account
}

// directory returns that of the daemon, or of the embedded computer.
func directory() names {
	if d := daemon(); d != nil {
		return d
	}
	return authority()
}

// accountNamed returns the account NAME or DOMAIN\NAME, in any case.
func accountNamed(name string) (logon.Account, ntstatus.Status) {
	a, ok := directory().LookupName(name)
	return told(a, ok)
}

// told returns an account as Win32 functions tell it: a domain has its own name.
func told(a logon.Account, ok bool) (logon.Account, ntstatus.Status) {
	switch {
	case !ok, a.Use == winnt.SidTypeDomain && a.SID.SubAuthorities() == 0:
		return logon.Account{}, ntstatus.NoneMapped // an authority is no account
	case a.Use == winnt.SidTypeDomain:
		a.Name = a.Domain
	}
	return a, ntstatus.Success
}

// rmAccountName looks an account up by its SID, for LookupAccountSid.
func rmAccountName(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(0))
	if c.ptr(0) == 0 {
		if s, st = win32.On(c.nt).CurrentUser(); st != ntstatus.Success {
			st = ntstatus.CantOpenAnonymous
		}
	}
	if st != ntstatus.Success {
		return status(st)
	}
	a, st := told(directory().LookupSID(s))
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.WriteU32(c.ptr(4), uint32(a.Use)); st != ntstatus.Success {
		return status(st)
	}
	if st := c.giveText(c.ptr(1), c.ptr(3), a.Name); st != 0 {
		return st
	}
	return c.giveText(c.ptr(2), c.ptr(3)+4, a.Domain)
}

// rmAccountSid looks a SID up by the name of its account, for LookupAccountName.
func rmAccountSid(c *call) uint64 {
	name := directory().Computer().Domain // of a name that is NULL
	if p := c.ptr(0); p != 0 {
		var st ntstatus.Status
		if name, st = c.ZeroTerminatedAt(p); st != ntstatus.Success {
			return status(st)
		}
	}
	a, st := accountNamed(name)
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.WriteU32(c.ptr(4), uint32(a.Use)); st != ntstatus.Success {
		return status(st)
	}
	if st := c.give(c.ptr(1), []byte(a.SID.Binary())); st != ntstatus.Success {
		return status(st)
	}
	return c.giveText(c.ptr(2), c.ptr(3)+4, a.Domain)
}

// rmAccountDomain tells the domain of accounts for which the caller names none: the
// computer (Documented), or none is known (Observed, S-81).
func rmAccountDomain(c *call) uint64 {
	if c.profile == nt.Observed {
		// Observed: the SID of an account takes its domain's (S-81).
		return status(ntstatus.InvalidParameter)
	}
	return rmComputer(c)
}

// rmComputer tells the SID of the computer's domain.
func rmComputer(c *call) uint64 { return status(c.give(c.ptr(0), []byte(machine.Binary()))) }
