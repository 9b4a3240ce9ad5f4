package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
)

var benchNFS4 *sd.Descriptor

// BenchmarkFromNFS4 converts a list of ten entries whose names are SIDs.
func BenchmarkFromNFS4(b *testing.B) {
	const who = "S-1-5-21-1-2-3-"
	list, err := fileaccess.ParseNFS4("A::OWNER@:rwaDxtTnNcCoy,A::" + who + "1001:rwx,A::" + who + "1002:rx,A:g:" +
		who + "2001:rx,A:g:" + who + "2002:r,D::" + who + "1003:w,A::" + who + "1004:r,A:g:" + who +
		"2003:r,A:g:GROUP@:rx,A::EVERYONE@:r")
	if err != nil || len(list) != 10 {
		b.Fatal(err)
	}
	convert := func() { benchNFS4, _, err = fileaccess.FromNFS4(list, caseU, caseG, nil) }
	if got := testing.AllocsPerRun(100, convert); got > 34 {
		b.Fatalf("FromNFS4: %.0f allocations, want at most 34", got)
	}
	b.ReportAllocs()
	for b.Loop() {
		if benchNFS4, _, err = fileaccess.FromNFS4(list, caseU, caseG, nil); err != nil {
			b.Fatal(err)
		}
	}
}
