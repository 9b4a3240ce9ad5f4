package kerberos

import (
	"encoding/asn1"
	"encoding/binary"

	"github.com/refmon/refmon/ntstatus"
)

// extendedError is an error of the KDC with the extended status, 0 for none.
type extendedError struct {
	KDCError
	status ntstatus.Status
}

// Unwrap returns the KDCError without the extended status.
func (t extendedError) Unwrap() error { return t.KDCError }

// errorData is KERB-ERROR-DATA, which has the form of PA-DATA (MS-KILE 2.2.1).
type errorData struct {
	Type  int    `asn1:"explicit,tag:1"`
	Value []byte `asn1:"explicit,optional,tag:2"`
}

// errorExtended is the type of KERB_EXT_ERROR, and extendedSize its bytes: a status and two
// numbers more (MS-KILE 2.2.2).
const (
	errorExtended = 3
	extendedSize  = 12
)

// extended returns the NT status in the data of a KRB-ERROR, 0 for none. The data is one element or a list. Malformed
// data counts as none.
func extended(b []byte) ntstatus.Status {
	var list []errorData
	var one errorData
	if rest, err := asn1.Unmarshal(b, &one); err == nil && len(rest) == 0 {
		list = []errorData{one}
	} else if rest, err := asn1.Unmarshal(b, &list); err != nil || len(rest) > 0 {
		return 0
	}
	for _, e := range list {
		if e.Type == errorExtended && len(e.Value) == extendedSize {
			return ntstatus.Status(binary.LittleEndian.Uint32(e.Value))
		}
	}
	return 0
}

// limits has the statuses of restricted accounts that a KDC may report.
var limits = map[ntstatus.Status]bool{
	ntstatus.AccountDisabled: true, ntstatus.AccountExpired: true, ntstatus.AccountLockedOut: true,
	ntstatus.AccountRestriction: true, ntstatus.PasswordExpired: true, ntstatus.PasswordMustChange: true,
	ntstatus.InvalidLogonHours: true, ntstatus.InvalidWorkstation: true,
}

// reasons maps KDC errors to statuses for the audit record. A revoked client is disabled or locked;
// the code does not say which.
var reasons = map[KDCError]ntstatus.Status{
	ClientUnknown: ntstatus.NoSuchUser, PreauthFailed: ntstatus.WrongPassword, ClientRevoked: ntstatus.AccountRestriction,
	ClientExpired: ntstatus.AccountExpired, KeyExpired: ntstatus.PasswordExpired,
	PolicyRefused: ntstatus.AccountRestriction,
}

// meanings describes the KDC errors of wrong configurations and restricted accounts (RFC 4120 7.5.9).
var meanings = map[KDCError]string{
	ClientExpired:     "the account has expired",
	ClientUnknown:     "the realm has no such account",
	serviceUnknown:    "the realm has no such service",
	PolicyRefused:     "its policy does not allow the logon",
	etypeNotSupported: "the account has no key of an allowed encryption type",
	ClientRevoked:     "the account is disabled or locked",
	KeyExpired:        "the account's password has expired",
	PreauthFailed:     "the password is wrong, or the keytab has an old key",
	unavailable:       "it cannot answer now",
	ClockSkew:         "the clocks differ too much",
}
