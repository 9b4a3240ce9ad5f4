package kerberos

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/jcmturner/gokrb5/v8/types"
)

// Keys holds the keys of a keytab. The zero value has none. It is immutable. Printing it shows no key.
type Keys struct{ entries []keyEntry }

// keyEntry is one key of a service.
type keyEntry struct {
	service string // components joined by "/"
	realm   string
	version uint32
	short   bool // version has only the low 8 bits of the key's version
	key     types.EncryptionKey
}

// isOf reports whether the key has this version, as far as the keytab stores it.
func (e *keyEntry) isOf(version uint32) bool {
	return e.version == version || e.short && e.version == version&0xff
}

// Limits of a keytab.
const (
	maxKeytab  = 1 << 20
	maxEntries = 4096
)

// String returns the number of keys in words, such as "3 keys", and nothing of the keys.
func (k *Keys) String() string { return fmt.Sprintf("%d keys", len(k.entries)) }

// Format writes the text of String for every verb and flag, so that no key is printed.
func (k *Keys) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) } //nolint:errcheck // a State has no errors

// ReadKeytab reads and parses a keytab file. The file must be private: see [ReadSecret] for its conditions. Its
// contents must meet those of [ParseKeytab] (K-33). Errors name the path and quote nothing of the file.
func ReadKeytab(path string) (*Keys, error) {
	b, err := ReadSecret("keytab", path, maxKeytab)
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeytab(b)
	if err != nil {
		return nil, fmt.Errorf("keytab %s: %w", path, err)
	}
	return keys, nil
}

// ReadSecret returns the contents of a file of at most most bytes. A larger file is an error. The file must be regular,
// not a symbolic link, belong to root or the effective user of this process, and have no permissions for its group and
// others. what names it in errors.
func ReadSecret(what, path string, most int64) ([]byte, error) {
	// Without O_NONBLOCK the open of a named pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s %s: it is a symbolic link: name the file itself", what, path)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close() //nolint:errcheck // closing a file that was only read loses no data
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s %s: it is not a file", what, path)
	case info.Mode().Perm()&0o077 != 0:
		// Whoever can read a service's keys can impersonate any user to it (K-33).
		return nil, fmt.Errorf("%s %s: mode %04o lets others read it: chmod 600 it", what, path, info.Mode().Perm())
	case owner.Uid != 0 && owner.Uid != uint32(os.Geteuid()):
		return nil, fmt.Errorf("%s %s: it belongs to uid %d, want root or %d", what, path, owner.Uid, os.Geteuid())
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	case int64(len(b)) > most: // never cut it: the first bytes would be another secret
		return nil, fmt.Errorf("%s %s: it has more than %d bytes", what, path, most)
	}
	return b, nil
}

// errKeytab is the error of every malformed keytab. It quotes nothing.
var errKeytab = errors.New("this is not a keytab of version 5.2, or it is damaged")

// ParseKeytab parses a keytab of version 5.2: big-endian entries after their length, where a negative length is a gap
// and 0 is the end. A keytab without keys, with more than 4,096 keys, or of more than 1 MiB is an error. Errors quote
// nothing of it.
func ParseKeytab(b []byte) (*Keys, error) {
	if len(b) < 2 || len(b) > maxKeytab || b[0] != 5 || b[1] != 2 {
		return nil, errKeytab
	}
	k := &Keys{}
	for b = b[2:]; len(b) >= 4; {
		n := int64(int32(binary.BigEndian.Uint32(b)))
		if b = b[4:]; n == 0 {
			break
		}
		size := max(n, -n)
		if size > int64(len(b)) {
			return nil, errKeytab
		}
		if n > 0 {
			if len(k.entries) == maxEntries {
				return nil, fmt.Errorf("it has more than %d keys", maxEntries)
			}
			e, ok := parseEntry(b[:size])
			if !ok {
				return nil, errKeytab
			}
			k.entries = append(k.entries, e)
		}
		b = b[size:]
	}
	if len(k.entries) == 0 {
		return nil, errors.New("it has no keys")
	}
	return k, nil
}

// cursor reads big-endian fields of a keytab. After an error ok is false.
type cursor struct {
	b  []byte
	ok bool
}

// take returns the next n bytes. If fewer are left, or after an error, it sets ok to false and returns at most four
// zeros.
func (c *cursor) take(n int) []byte {
	if !c.ok || n > len(c.b) {
		c.ok = false
		return make([]byte, min(n, 4))
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

// u16 reads the next 16-bit number, 0 after an error.
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }

// u32 reads the next 32-bit number, 0 after an error.
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }

// text reads a counted string: a length of 16 bits, then that many bytes.
func (c *cursor) text() string { return string(c.take(int(c.u16()))) }

// parseEntry parses one entry. It returns false if the entry is truncated, or has no service or no key.
func parseEntry(b []byte) (keyEntry, bool) {
	c := cursor{b, true}
	var e keyEntry
	var parts []string
	n := c.u16()
	e.realm = c.text()
	for i := uint16(0); i < n && c.ok; i++ { // c.ok ends the loop if the count exceeds the entry
		parts = append(parts, c.text())
	}
	e.service = strings.Join(parts, "/")
	c.take(8) // name type, time
	e.version, e.short = uint32(c.take(1)[0]), true
	e.key.KeyType = int32(c.u16())
	e.key.KeyValue = append([]byte(nil), c.take(int(c.u16()))...)
	if c.ok && len(c.b) >= 4 {
		if v := c.u32(); v != 0 { // optional version in four bytes
			e.version, e.short = v, false
		}
	}
	return e, c.ok && e.service != "" && len(e.key.KeyValue) > 0
}

// maxTries limits the keys that are tried for one ticket.
const maxTries = 8

// find returns at most maxTries keys for a service of a realm: those of the ticket's version, or of all versions if it
// is 0, the newest first. If the keytab has only the low 8 bits of a version, find compares these. Service names are
// compared without regard to case, as in Active Directory (K-34).
func (k *Keys) find(service, realm string, version uint32, keyType int32) (out []types.EncryptionKey) {
	var all []keyEntry
	for _, e := range k.entries {
		if e.key.KeyType == keyType && e.realm == realm && strings.EqualFold(e.service, service) &&
			(version == 0 || e.isOf(version)) {
			all = append(all, e)
		}
	}
	// A keytab has the newest key last, and most tickets are encrypted with that one.
	slices.SortStableFunc(all, func(a, b keyEntry) int { return cmp.Compare(b.version, a.version) })
	for _, e := range all[:min(len(all), maxTries)] {
		out = append(out, e.key)
	}
	return out
}

// has reports whether the keytab has a key for a service. The case of the service is ignored, that of the realm is
// not.
func (k *Keys) has(service, realm string) bool {
	for _, e := range k.entries {
		if e.realm == realm && strings.EqualFold(e.service, service) {
			return true
		}
	}
	return false
}
