package logon

import (
	"strings"
	"unicode"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Domains of the well-known names that have a SID of their own.
var domainSIDs = map[string]sid.SID{
	"": {}, "BUILTIN": sid.MustParse("S-1-5-32"), "NT AUTHORITY": authority(5),
	"Mandatory Label": authority(16), "NT SERVICE": sid.MustParse("S-1-5-80"),
	"APPLICATION PACKAGE AUTHORITY": authority(15), "NT VIRTUAL MACHINE": sid.MustParse("S-1-5-83"),
}

// authority returns the SID S-1-n, which identifies an identifier authority itself.
func authority(n uint64) sid.SID { s, _ := sid.New(n); return s }

// spellings maps other names of well-known accounts to those in the table.
var spellings = map[string]string{"LOCALSERVICE": "LOCAL SERVICE", "NETWORKSERVICE": "NETWORK SERVICE"}

var byName = func() map[string]sid.SID {
	m := map[string]sid.SID{}
	sid.WellKnown(func(s sid.SID, name string) bool {
		m[strings.ToUpper(name)] = s
		return true
	})
	return m
}()

// WellKnownSID returns the account of a well-known SID that needs no domain. It also knows the SIDs of the domains of
// such accounts, such as S-1-5-32. It returns false for any other SID. A SID of a domain is not well known, even with a
// well-known RID.
func WellKnownSID(s sid.SID) (Account, bool) {
	for name, of := range domainSIDs {
		if name != "" && s == of {
			return Account{SID: s, Use: winnt.SidTypeDomain, Domain: name, DomainSID: s}, true
		}
	}
	domain, name := sid.Account(s)
	if name == "" || s.Authority() == 5 && s.SubAuthorities() == 5 && s.Sub(0) == 21 && s.Sub(1) != 0 {
		return Account{}, false
	}
	return Account{SID: s, Use: useOf(domain), Domain: domain, DomainSID: domainSIDs[domain], Name: name}, true
}

// WellKnownName returns the well-known account NAME, DOMAIN\NAME or NAME@DOMAIN,
// or the well-known domain NAME. It ignores case, and returns false for other
// names.
func WellKnownName(full string) (Account, bool) {
	if strings.ContainsFunc(full, func(r rune) bool { return r > unicode.MaxASCII }) {
		// All these names are ASCII. The NT upcase table turns no other letter into ASCII, as Unicode does with ſ (L-13).
		return Account{}, false
	}
	domain, name, qualified := Split(full)
	if !qualified {
		for d, s := range domainSIDs {
			if d != "" && strings.EqualFold(d, name) {
				return WellKnownSID(s)
			}
		}
	}
	key := strings.ToUpper(name)
	if other, ok := spellings[key]; ok {
		key = other
	}
	s, ok := byName[key]
	if !ok {
		return Account{}, false
	}
	a, ok := WellKnownSID(s)
	if qualified && !strings.EqualFold(a.Domain, domain) {
		// A name with a domain is the name of that domain only (L-12).
		return Account{}, false
	}
	return a, ok
}

// useOf returns the SID_NAME_USE of the well-known accounts of a domain, such as SidTypeAlias for BUILTIN.
func useOf(domain string) winnt.SIDNameUse {
	switch domain {
	case "BUILTIN":
		return winnt.SidTypeAlias
	case "Mandatory Label":
		return winnt.SidTypeLabel
	}
	return winnt.SidTypeWellKnownGroup
}

// MaxName is the maximum length of a name in a lookup, in bytes.
const MaxName = 1024

// Split splits NAME, DOMAIN\NAME or NAME@DOMAIN. It splits at the first backslash, else at the last @. qualified is
// false for NAME. A part may be empty.
func Split(full string) (domain, name string, qualified bool) {
	if domain, name, qualified = strings.Cut(full, `\`); qualified {
		return domain, name, true
	}
	if at := strings.LastIndexByte(full, '@'); at >= 0 {
		return full[at+1:], full[:at], true
	}
	return "", full, false
}
