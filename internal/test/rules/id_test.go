package rules

import (
	"slices"
	"strings"
	"testing"
)

func compareAll(a, b ID) int {
	if c := strings.Compare(a.Family(), b.Family()); c != 0 {
		return c
	}
	return a.Compare(b)
}

func TestFindAllReturnsOnlyRuleIDs(t *testing.T) {
	for _, c := range []struct {
		text string
		want []ID
	}{
		{"// O-31", []ID{"O-31"}},
		{"see A-7, A-56; and (T-40).", []ID{"A-7", "A-56", "T-40"}},
		{"U-57a/U-57 I-23: S-24", []ID{"U-57a", "U-57", "I-23", "S-24"}},
		{"T-60..T-67 and A-26–A-29", []ID{"T-60", "T-67", "A-26", "A-29"}},
		{"P-3 F-12 U-12", []ID{"P-3", "F-12", "U-12"}},
		{"(S-1).", []ID{"S-1"}},
		{"I-42 g", []ID{"I-42"}},
		{"S-1-5-32-544 S-1-… S-1… S-1-x", nil},
		{"MS-DTYP 2.4.2.2, UTF-8, SHA-256, ISO-8859-1", nil},
		{"AC-001 C-11 TC-6 IC-9 OC-3 UC-1 FO-2", nil},
		{"S-0x1-20 A-01 A-1bc a-1 A-12_3 A--1 A-%d", nil},
		{"", nil},
	} {
		if got := FindAll(c.text); !slices.Equal(got, c.want) {
			t.Errorf("FindAll(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestRuleIDsSortByNumber(t *testing.T) {
	ids := []ID{"U-100", "U-57a", "U-9", "U-57", "U-57b"}
	slices.SortFunc(ids, compareAll)
	if want := []ID{"U-9", "U-57", "U-57a", "U-57b", "U-100"}; !slices.Equal(ids, want) {
		t.Errorf("sorted: %q, want %q", ids, want)
	}
	if got := ID("P-3").Family(); got != "P" {
		t.Errorf(`family of P-3 is %q, want "P"`, got)
	}
}
