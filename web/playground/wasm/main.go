//go:build js && wasm

// Command wasm is the playground's Go in the browser: it gives the page the
// function refmonAnswer, from the text of a question to the text of a reply,
// and calls refmonReady when it is there. Package playground says what both
// are.
package main

import (
	"syscall/js"

	"github.com/refmon/refmon/web/playground"
)

func main() {
	js.Global().Set("refmonAnswer", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return `{"mistakes":[{"field":"","from":-1,"to":-1,"message":"refmonAnswer takes one text"}]}`
		}
		return string(playground.Answer([]byte(args[0].String())))
	}))
	js.Global().Call("refmonReady")
	select {} // the function lives as long as the page
}
