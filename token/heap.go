package token

import (
	"unsafe"

	"github.com/refmon/refmon/claims"
)

// perSID is the most that a SID of a token takes, in bytes: its words and its text, its
// slots in the table of the set, and its bits.
const perSID = 16 + 68 + 40 + 20

// HeapSize returns an upper estimate of the memory that the token holds, in bytes. This
// includes memory that it shares with the tokens from which it was derived. HeapSize
// returns 0 for nil and the zero value.
func (t *Token) HeapSize() int {
	if t.IsZero() {
		return 0
	}
	b := t.body
	n := int(unsafe.Sizeof(*t)+unsafe.Sizeof(*b)) + perSID*(len(b.attrs)+len(b.restrictedAttr)+b.restrictedDeny.Len()) +
		b.capabilities.heapSize() + b.device.heapSize() + b.restrictedDevice.heapSize() + len(b.auditPolicy) +
		len(b.isolation) + t.dacl.HeapSize()
	for _, c := range [...]*claims.Set{b.userClaims, b.deviceClaims, b.local, b.restrictedUser, b.restrictedDeviceClaims} {
		n += c.HeapSize()
	}
	// A later default DACL fits into the reserved size, and its entries use about three times that.
	return n + max(0, 4*int(t.charged)-t.dacl.HeapSize())
}

// heapSize estimates the memory that the list takes, in bytes, 0 for nil.
func (l *list) heapSize() int {
	if l == nil {
		return 0
	}
	return int(unsafe.Sizeof(*l)) + perSID*len(l.attrs)
}
