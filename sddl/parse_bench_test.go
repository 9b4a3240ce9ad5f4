package sddl_test

import (
	"testing"

	"github.com/refmon/refmon/sddl"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sddl.Parse("O:BAG:SYD:PAI(D;;FW;;;BG)(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;FR;;;S-1-5-21-1-2-3-513)")
	}
}

func BenchmarkFormat(b *testing.B) {
	d := sddl.MustParse("O:BAG:SYD:PAI(D;;FW;;;BG)(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;FR;;;S-1-5-21-1-2-3-513)")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sddl.Format(d, sddl.Options{})
	}
}
