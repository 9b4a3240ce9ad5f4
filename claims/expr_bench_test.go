package claims

import (
	"fmt"
	"testing"
)

func BenchmarkEval(b *testing.B) {
	env := benchEnv()
	for i, text := range evalCases {
		e := mustParse(text)
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(env)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	code := mustParse(`((@User.s == "foo" && Member_of_any {SID(BA), SID(WD)}) || @Device.legs >= 3)`).Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(code); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseExpr(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParse(`((@User.s == "foo" && Member_of_any {SID(BA), SID(WD)}) || @Device.legs >= 3)`)
	}
}

func BenchmarkDecodeAttribute(b *testing.B) {
	a := strs("Project", "Windows", "SQL")
	code := a.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeAttribute(code); err != nil {
			b.Fatal(err)
		}
	}
}
