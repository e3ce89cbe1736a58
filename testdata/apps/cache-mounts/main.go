// Command blake prints the BLAKE2b sum of its standard input.
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/blake2b"
)

func main() {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%x\n", blake2b.Sum256(data))
}
