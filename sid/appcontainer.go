package sid

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
)

// MaxAppContainerName is the maximum length of a package name, in UTF-16 units
// (CreateAppContainerProfile).
const MaxAppContainerName = 64

// AppContainer returns the SID of the AppContainer with the given name (DeriveAppContainerSidFromAppContainerName). It
// is S-1-15-2- and seven numbers: the first 28 bytes of the SHA-256 of the name in lower case, as little-endian
// UTF-16. AppContainer returns the zero SID for an empty name and for one longer than [MaxAppContainerName].
func AppContainer(name string) SID {
	units := utf16.Encode([]rune(name))
	if len(units) == 0 || len(units) > MaxAppContainerName {
		return SID{}
	}
	h := nameHash(name, unicode.ToLower)
	s, _ := New(15, append([]uint32{2}, h[:7]...)...)
	return s
}

// CapabilitySIDs returns the two SIDs of the capability with the given name (DeriveCapabilitySidsFromName). Both are
// the zero SID for an empty name.
//   - capability is for the capability list of an AppContainer token. It is S-1-15-3-1024- and the eight numbers of
//     the SHA-256 of the name in upper case. For the twelve oldest capabilities it is S-1-15-3-n.
//   - group is for the groups of services that hold the capability. It is S-1-5-32- and the same eight numbers.
func CapabilitySIDs(name string) (group, capability SID) {
	if name == "" {
		return SID{}, SID{}
	}
	h := nameHash(name, unicode.ToUpper)
	group, _ = New(5, append([]uint32{32}, h[:]...)...)
	for i, old := range firstCapabilities {
		if strings.EqualFold(name, old) {
			capability, _ = New(15, 3, uint32(i+1))
			return group, capability
		}
	}
	capability, _ = New(15, append([]uint32{3, 1024}, h[:]...)...)
	return group, capability
}

// firstCapabilities are the capabilities with a RID of their own, from 1 on
// (winnt.h, SECURITY_CAPABILITY_*).
var firstCapabilities = [...]string{"internetClient", "internetClientServer", "privateNetworkClientServer",
	"picturesLibrary", "videosLibrary",
	"musicLibrary", "documentsLibrary", "enterpriseAuthentication", "sharedUserCertificates", "removableStorage",
	"appointments", "contacts"}

// nameHash returns the hash of a package or capability name: the SHA-256 of the name in little-endian UTF-16, as
// eight little-endian numbers. fold maps the characters to lower or upper case first.
func nameHash(name string, fold func(rune) rune) (numbers [8]uint32) {
	var b []byte
	for _, u := range utf16.Encode([]rune(strings.Map(fold, name))) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	sum := sha256.Sum256(b)
	for i := range numbers {
		numbers[i] = binary.LittleEndian.Uint32(sum[4*i:])
	}
	return numbers
}
