const fs = require('fs');
const { range } = require('lodash');

fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/table.json', JSON.stringify(range(1, 100)));
