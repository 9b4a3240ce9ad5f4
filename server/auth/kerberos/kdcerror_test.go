package kerberos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestKDCErrorCodesMapToReasons checks the recorded reason for each KDC error code, alone and with each
// extended status (K-58, K-85).
func TestKDCErrorCodesMapToReasons(t *testing.T) {
	codes := map[int32]ntstatus.Status{6: ntstatus.NoSuchUser, 24: ntstatus.WrongPassword,
		18: ntstatus.AccountRestriction, 1: ntstatus.AccountExpired, 23: ntstatus.PasswordExpired,
		12: ntstatus.AccountRestriction}
	for code := range int32(70) {
		want := codes[code]
		if want == 0 {
			want = ntstatus.LogonFailure
		}
		if st, why := reason(convertRefusal(fmt.Errorf("x: %w",
			KDCError(code)))); st != ntstatus.LogonFailure || why != want {
			t.Errorf("K-58: code %d: %v for %v, want %v", code, st, why, want)
		}
		for status, limit := range map[ntstatus.Status]bool{0xC0000072: true, 0xC0000193: true, 0xC0000234: true,
			0xC000006E: true, 0xC0000071: true, 0xC0000224: true, 0xC000006F: true, 0xC0000070: true, 0xC000006A: false,
			0xC0000064: false, 0xC000005E: false, 0: false} {
			also := want
			if limit {
				also = status
			}
			e := &messages.KRBError{ErrorCode: code, EData: statusData(uint32(status))}
			if st, why := reason(convertRefusal(stripText(e))); st != ntstatus.LogonFailure || why != also {
				t.Errorf("K-85: code %d with %v: %v for %v, want %v", code, status, st, why, also)
			}
		}
	}
	for what, c := range map[string]struct {
		err         error
		status, why ntstatus.Status
	}{
		"no KDC":      {fmt.Errorf("x: %w", ErrNoKDC), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"another key": {fmt.Errorf("x: %w", errWrongKey), ntstatus.LogonFailure, ntstatus.WrongPassword},
		"an answer":   {errAnswer, ntstatus.LogonFailure, ntstatus.LogonFailure},
	} {
		if st, why := reason(convertRefusal(c.err)); st != c.status || why != c.why {
			t.Errorf("K-59: %s: %v for %v, want %v, %v", what, st, why, c.status, c.why)
		}
	}
}

// TestMalformedExtendedStatusIsIgnored checks that an extended status has exactly twelve bytes and its type, alone or
// anywhere in a list, and that the first one counts (K-85).
func TestMalformedExtendedStatusIsIgnored(t *testing.T) {
	element := func(kind byte, status uint32, size int) []byte {
		value := append(binary.LittleEndian.AppendUint32(nil, status), make([]byte, 16)...)[:size]
		return slices.Concat([]byte{0x30, byte(9 + size), 0xa1, 3, 2, 1, kind, 0xa2, byte(2 + size), 4, byte(size)}, value)
	}
	list := func(all ...[]byte) []byte {
		b := bytes.Join(all, nil)
		return append([]byte{0x30, byte(len(b))}, b...)
	}
	const expired, locked = 0xC0000193, 0xC0000234
	good := element(3, expired, 12)
	for name, c := range map[string]struct {
		b    []byte
		want ntstatus.Status
	}{
		"alone": {good, expired}, "eleven bytes": {element(3, expired, 11), 0},
		"thirteen bytes": {element(3, expired, 13), 0},
		"four bytes":     {element(3, expired, 4), 0}, "type 1": {element(1, expired, 12), 0},
		"type 2": {element(2, expired, 12), 0}, "type 4": {element(4, expired, 12), 0}, "a list": {list(good), expired},
		"after an element of another type": {list(element(2, locked, 12), good), expired},
		"before another type":              {list(good, element(2, locked, 12)), expired},
		"after a longer element":           {list(element(3, locked, 13), good), expired},
		"two":                              {list(good, element(3, locked, 12)), expired}, "none": {list(), 0},
		"a value too short": {[]byte{0x30, 13, 0xa1, 3, 2, 1, 3, 0xa2, 6, 4, 4, 1, 2, 3, 4}, 0},
		"no value":          {[]byte{0x30, 5, 0xa1, 3, 2, 1, 3}, 0}, "a byte more": {append(slices.Clone(good), 0), 0},
		"a list and a byte": {append(list(good), 0), 0}, "a list of a list": {list(list(good)), 0},
	} {
		got := extended(c.b)
		check.That(t, got == c.want, "K-85: %s: %#x, want %#x", name, uint32(got), uint32(c.want))
	}
	for i := range good {
		check.Equal(t, extended(good[:i]), 0, "K-85: the first %d bytes", i)
	}
}

// TestKDCErrorSaysWhatItsCodeMeans checks that an error names the code, and its meaning in RFC 4120 7.5.9.
func TestKDCErrorSaysWhatItsCodeMeans(t *testing.T) {
	for code, want := range map[int32]string{
		7:  "the KDC refuses with code 7: the realm has no such service",
		24: "the KDC refuses with code 24: the password is wrong, or the keytab has an old key",
		60: "the KDC refuses with code 60",
	} {
		err := stripText(&messages.KRBError{ErrorCode: code})
		check.That(t, err.Error() == want, "code %d: %q, want %q", code, err, want)
	}
}
