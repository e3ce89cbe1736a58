const express = require('express');

const app = express();
const notes = [{ id: 1, text: 'first note' }];

app.get('/notes', (req, res) => res.json(notes));

const server = app.listen(process.env.PORT || 3000, () => {
  if (process.argv.includes('--check')) {
    fetch(`http://127.0.0.1:${server.address().port}/notes`)
      .then((r) => r.json())
      .then((body) => {
        console.log(JSON.stringify(body));
        process.exit(body.length === 1 ? 0 : 1);
      });
  }
});
