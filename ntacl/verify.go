package ntacl

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/refmon/refmon/fileaccess"
)

// Verdict is the result of comparing a file's POSIX permissions with its
// attribute. The zero value is Unhashed.
type Verdict uint8

// Verdicts.
const (
	// Unhashed: versions 1 and 2, whose hashes no server checks, and version 3
	// with a hash of zeros, which a server writes that ignores POSIX permissions.
	// The descriptor is valid.
	Unhashed Verdict = iota
	// Intact: the permissions are the same as when the attribute was written. The
	// descriptor is valid.
	Intact
	// Stale: another program has changed the permissions since, servers do not
	// accept the type of the hash, or a POSIX ACL is malformed. The server uses the
	// permissions instead of the descriptor: see [Posix].
	Stale
	// Unverifiable: the hash is that of a descriptor that the server computes from
	// the permissions and its account database. These are version 3 of servers
	// before 4.0, and version 4 on file systems without POSIX ACLs.
	Unverifiable
)

// String returns the verdict as a word.
func (v Verdict) String() string {
	return [...]string{"unhashed", "intact", "stale", "unverifiable"}[v&3]
}

const systemACL = "posix_acl" // description of the hash that Verify knows

// Verify compares the attribute's hash with the permissions of its file: mode, owner, group, and the attributes
// system.posix_acl_access and system.posix_acl_default, nil for a file without them.
//
// A change of only the bits setuid, setgid and sticky leaves the attribute valid, because the server computes the same
// descriptor from the permissions. Versions up to 2, and a SHA-256 hash of zeros in version 3, are Unhashed. Another
// type of hash and a malformed ACL are Stale. Other hashes of version 3 are Unverifiable. A description that is not
// that of the system attributes is Unverifiable unless the hash fits.
func (a *Attribute) Verify(f Info, access, inherited []byte) Verdict {
	switch {
	case a.Version <= 2 || a.Version == 3 && a.HashType == HashSHA256 && a.Hash == [64]byte{}:
		return Unhashed
	case a.HashType != HashSHA256:
		return Stale
	case a.Version == 3:
		return Unverifiable
	}
	blob, err := systemBlob(f, access, inherited)
	if err != nil {
		return Stale // the server cannot have hashed them
	}
	for bits := range uint32(8) {
		mode := f.Mode ^ bits<<9 // the file's own mode first
		binary.LittleEndian.PutUint32(blob[modeAt:], mode|f.kind())
		var hash [64]byte
		sum := sha256.Sum256(blob)
		copy(hash[:], sum[:])
		if hash == a.SystemHash {
			return Intact
		}
	}
	if a.What != systemACL {
		return Unverifiable
	}
	return Stale
}

// kind returns the type of the file as the upper bits of a mode.
func (f *Info) kind() uint32 {
	if f.Directory {
		return 0o040000
	}
	return 0o100000
}

// modeAt is the offset of the mode in the hashed bytes.
const modeAt = 24

// systemBlob returns the bytes that the second hash of version 4 covers, with a mode of 0 that the caller fills in. A
// malformed ACL is an error.
//
//	offset size field
//	0      4    reference pointer of the access ACL, 0x00020000
//	4      4    reference pointer of the default ACL, 0x00020004; 0 for files
//	8      8    uid
//	16     8    gid
//	24     4    mode with the type of the file
//	28          access ACL; for a directory also the default ACL
//
// An ACL is the number of entries (4 bytes). From the next multiple of 8 follow the same number, 4 bytes of zero, and
// the entries, each from a multiple of 8:
//
//	0      2    1 user, 2 owner, 3 group, 4 owning group, 5 others, 6 mask
//	2      2    the same value again
//	8      8    uid or gid, of users and groups only
//	       4    permissions
//
// Without an access ACL there are the three entries of the mode, without a default ACL none.
func systemBlob(f Info, access, inherited []byte) ([]byte, error) {
	// The layout was found by watching what a server hashes.
	entries, err := rawEntries(f, access)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	b := le.AppendUint32(make([]byte, 0, 256), pointer1)
	second := uint32(0)
	if f.Directory {
		second = pointer2
	}
	b = le.AppendUint32(b, second)
	b = le.AppendUint64(le.AppendUint64(b, uint64(f.UID)), uint64(f.GID))
	b = le.AppendUint32(b, 0) // the mode, which the caller fills in
	b = appendSystemACL(b, entries)
	if f.Directory {
		if entries = nil; inherited != nil {
			if entries, err = rawEntries(f, inherited); err != nil {
				return nil, err
			}
		}
		b = appendSystemACL(b, entries)
	}
	return b, nil
}

// appendSystemACL appends a POSIX ACL in NDR, the form that the attribute's hash covers, with the entries in the given
// order.
func appendSystemACL(b []byte, entries fileaccess.POSIXACL) []byte {
	le := binary.LittleEndian
	n := uint32(len(entries))
	b = pad8(le.AppendUint32(b, n))
	b = le.AppendUint32(le.AppendUint32(b, n), 0)
	for _, e := range entries {
		kind := systemKind[e.Tag]
		b = le.AppendUint16(le.AppendUint16(b, kind), kind)
		if e.Tag == fileaccess.POSIXUser || e.Tag == fileaccess.POSIXGroup {
			b = le.AppendUint64(pad8(b), uint64(e.ID))
		}
		b = pad8(le.AppendUint32(b, uint32(e.Perm)))
	}
	return b
}

var systemKind = map[fileaccess.POSIXTag]uint16{fileaccess.POSIXUser: 1, fileaccess.POSIXOwner: 2,
	fileaccess.POSIXGroup: 3, fileaccess.POSIXGroupOwner: 4, fileaccess.POSIXOther: 5, fileaccess.POSIXMask: 6}

// pad8 appends zeros to b until its length is a multiple of 8.
func pad8(b []byte) []byte {
	for len(b)&7 != 0 {
		b = append(b, 0)
	}
	return b
}

// Seal binds the descriptor of a version 4 attribute to these permissions, so that
// Verify returns Intact. It sets What, HashType and SystemHash. It does not change
// Hash, which a server checks only if SystemHash differs. Seal fails if a POSIX ACL
// is malformed, and then changes nothing. That error does not wrap ErrAttribute.
func (a *Attribute) Seal(f Info, access, inherited []byte) error {
	blob, err := systemBlob(f, access, inherited)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(blob[modeAt:], f.Mode|f.kind())
	sum := sha256.Sum256(blob)
	a.What, a.HashType, a.SystemHash = systemACL, HashSHA256, [64]byte{}
	copy(a.SystemHash[:], sum[:])
	return nil
}
