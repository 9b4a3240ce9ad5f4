package gateway

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/winnt"
)

// TestPrivilegeListedOnlyWithAllItsRights checks that a privilege of RFC 3744 is listed only if all its rights are
// granted, and is reported as missing otherwise: for random masks, and for each privilege's mask with one right less
// and with every other right.
func TestPrivilegeListedOnlyWithAllItsRights(t *testing.T) {
	const dirOnly, never = 1, 2 // for directories only; never reported as missing
	list := []struct {
		name string
		mask winnt.AccessMask
		how  int
	}{
		{"D:read", 0x89, 0}, {"D:write", 0x116, never}, {"D:write-properties", 0x110, 0}, {"D:write-content", 0x6, 0},
		{"D:bind", 0x6, dirOnly}, {"D:unbind", 0x40, dirOnly}, {"D:unlock", 0x2, never}, {"D:read-acl", 0x20000, 0},
		{"D:write-acl", 0x40000, 0}, {"R:execute", 0x20, 0}, {"R:delete", 0x10000, 0}, {"R:write-owner", 0x80000, 0},
	}
	masks := []winnt.AccessMask{0, 0x1f01ff, 0x11f01ff, 0xffffffff, 0x1e01ff, 0x1f01fe, 0xf01ff}
	for _, p := range list {
		masks = append(masks, p.mask, ^p.mask, p.mask|0x100000)
	}
	for bit := range 32 {
		masks = append(masks, 1<<bit, ^winnt.AccessMask(1<<bit), 0x1f01ff&^(1<<bit), 0x1f01ff|1<<bit)
	}
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 3744))
	for range 1000 {
		masks = append(masks, winnt.AccessMask(rnd.Uint32())&0x1f01ff)
	}
	for _, mask := range masks {
		for _, dir := range []bool{false, true} {
			var want strings.Builder
			if mask&0x1f01ff == 0x1f01ff {
				want.WriteString("<D:privilege><D:all/></D:privilege>")
			}
			for _, p := range list {
				if mask|p.mask == mask && (dir || p.how != dirOnly) {
					fmt.Fprintf(&want, "<D:privilege><%s/></D:privilege>", p.name)
				}
			}
			var got strings.Builder
			if inPrivileges(&got, mask, dir); got.String() != want.String() {
				t.Errorf("%#x of a directory %t: %s, want %s", mask, dir, &got, &want)
			}
		}
		if mask>>28 != 0 {
			continue // generic rights map to other rights
		}
		var want []string
		for _, p := range list {
			if mask&p.mask != 0 && p.how != never {
				want = append(want, p.name)
			}
		}
		check.SlicesEqual(t, lackingPrivileges(mask), want, "lackingPrivileges(%#x)", mask)
	}
	// GENERIC_READ of a file is 0x120089, GENERIC_WRITE 0x120116, GENERIC_EXECUTE 0x1200a0.
	for mask, want := range map[winnt.AccessMask]string{
		0x80000000: "D:read D:read-acl", 0x40000000: "D:write-properties D:write-content D:bind D:read-acl",
		0x20000000: "D:read D:read-acl R:execute", 0x80010000: "D:read D:read-acl R:delete",
	} {
		check.Equal(t, strings.Join(lackingPrivileges(mask), " "), want, "lackingPrivileges(%#x)", mask)
	}
}
