//go:build js && wasm

// Command wasm is the Go part of the playground page, compiled to WebAssembly. It defines the JavaScript function
// refmonAnswer, which takes the text of a question and returns the text of a reply, and then calls refmonReady.
// Package playground describes both texts.
package main

import (
	"syscall/js"

	"github.com/refmon/refmon/web/playground"
)

// main defines refmonAnswer, calls refmonReady and never returns. refmonAnswer returns a reply with a mistake unless
// it gets exactly one string.
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
