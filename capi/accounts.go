//go:build cgo && linux

package main

import (
	"sync"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// machine is the domain of the embedded kernel's own accounts.
var machine = administratorUser.Prefix()

// authority resolves names on the embedded computer.
var authority = sync.OnceValue(func() logon.Authority { return logon.Example(machine) })

// names resolves account names and SIDs for a C program's lookups. The daemon and the embedded kernel implement it.
type names interface {
	LookupName(name string) (logon.Account, bool)
	LookupSID(s sid.SID) (logon.Account, bool)
	Computer() logon.Account
}

// directory returns the source of account names: the daemon if one is attached, else the embedded computer.
func directory() names {
	if d := daemon(); d != nil {
		return d
	}
	return authority()
}

// accountNamed returns the account with the name NAME or DOMAIN\NAME, ignoring case, or STATUS_NONE_MAPPED.
func accountNamed(name string) (logon.Account, ntstatus.Status) {
	a, ok := directory().LookupName(name)
	return win32Account(a, ok)
}

// win32Account converts an account to the form of the Win32 functions, in which the name of a domain is its own domain
// name. ok is the result of the lookup: false gives STATUS_NONE_MAPPED.
func win32Account(a logon.Account, ok bool) (logon.Account, ntstatus.Status) {
	switch {
	case !ok, a.Use == winnt.SidTypeDomain && a.SID.SubAuthorities() == 0:
		return logon.Account{}, ntstatus.NoneMapped // a SID without sub-authorities is an authority, not an account
	case a.Use == winnt.SidTypeDomain:
		a.Name = a.Domain
	}
	return a, ntstatus.Success
}

// rmAccountName implements LookupAccountSid: it writes an account's type, name and domain. giveText writes the
// texts, which the caller frees, and their lengths. A NULL SID means the current user. An unknown SID returns a
// status and writes nothing. A failed write returns a status; outputs written before stay.
func rmAccountName(c *call) uint64 {
	var a logon.Account
	s, st := c.SIDAt(c.ptr(0))
	switch {
	case c.ptr(0) == 0:
		a, st = c.currentAccount()
	case st == ntstatus.Success:
		a, st = win32Account(directory().LookupSID(s))
	}
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

// currentAccount returns the account of the thread's effective user. A client at the level Anonymous has no account.
func (c *call) currentAccount() (logon.Account, ntstatus.Status) {
	s, st := win32.On(c.nt).CurrentUser()
	if st != ntstatus.Success {
		return logon.Account{}, ntstatus.CantOpenAnonymous
	}
	return win32Account(directory().LookupSID(s))
}

// rmAccountSid writes the SID, domain and type of an account by name, for LookupAccountName. A NULL name means the
// computer. An unknown name returns a status, and writes nothing. A failed write leaves the outputs before it.
func rmAccountSid(c *call) uint64 {
	name := directory().Computer().Domain // if the name argument is NULL
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

// rmComputer returns the SID of the computer, the domain of its accounts. With a daemon it is the daemon's (S-81).
func rmComputer(c *call) uint64 {
	computer := directory().Computer().SID
	if computer.IsZero() {
		// The SID is zero only if the daemon does not respond.
		return status(ntstatus.PortDisconnected)
	}
	return status(c.give(c.ptr(0), []byte(computer.Binary())))
}
