import { nanoid } from 'nanoid';

console.log(nanoid(12).length);
