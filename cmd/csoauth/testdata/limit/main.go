// Limit is what a program that prints a token costs at least: it has net/http, and prints a file.
package main

import (
	"fmt"
	_ "net/http"
	"os"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(string(text))
}
